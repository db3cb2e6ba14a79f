/** An answer other than success, in the server's words. */
export class Failure extends Error {
  readonly status: number;
  readonly retryAfterSeconds?: number;

  constructor(status: number, text: string, retryAfterSeconds?: number) {
    super(text);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The body is not what the endpoint reads. */
export function badBody(text: string): Failure {
  return new Failure(400, `Format error in JSON body: ${text}`);
}

/** The body reads well and breaks a rule. */
export function invalidBody(text: string): Failure {
  return new Failure(422, `Validation error in JSON body: [${text}]`);
}

export function badParameter(text: string): Failure {
  return new Failure(400, `Deserialize error in query parameters: ${text}`);
}

export function wrongInput(text: string, status = 400): Failure {
  return new Failure(status, `Wrong input: ${text}`);
}

export function badRequest(text: string): Failure {
  return new Failure(400, `Bad request: ${text}`);
}

export function notFound(text: string): Failure {
  return new Failure(404, `Not found: ${text}`);
}

export function noCollection(name: string): Failure {
  return notFound(`Collection \`${name}\` doesn't exist!`);
}
