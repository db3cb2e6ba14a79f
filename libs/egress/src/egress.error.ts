/** A host that this installation never connects to, or not by its settings. The text is safe to show. */
export class EgressDenied extends Error {
  override readonly name = 'EgressDenied';
  readonly code = 'EGRESS_DENIED';
  readonly host: string;

  constructor(host: string, why: string) {
    super(`Connections to ${JSON.stringify(host.slice(0, 255).toWellFormed())} are not allowed: ${why}.`);
    this.host = host;
  }
}

/** An answer that leaves the bounds set for a server: too large, too deeply nested, redirected or compressed. */
export class AnswerRefused extends Error {
  override readonly name = 'AnswerRefused';
  readonly code: 'ANSWER_TOO_LARGE' | 'ANSWER_TOO_DEEP' | 'ANSWER_REDIRECTS' | 'ANSWER_COMPRESSED';

  constructor(code: AnswerRefused['code'], message: string) {
    super(message);
    this.code = code;
  }
}
