import { createHmac, timingSafeEqual } from 'node:crypto';

/** An event as the chain holds it. */
export interface ChainedEvent {
  readonly ownerId: string;
  readonly sequence: bigint;
  readonly id: string;
  readonly createdAt: Date;
  readonly userId: string;
  readonly apiKeyId: string;
  readonly sessionId: string;
  readonly service: string;
  readonly action: string;
  readonly target: string;
  readonly outcome: string;
  readonly requestId: string;
  readonly address: string;
  readonly before: string;
  readonly after: string;
}

/** What the first event of a chain follows. */
export const CHAIN_START = Buffer.alloc(32);

/** Links events and signs checkpoints. The key is derived from the root key: the database alone cannot forge either. */
export interface AuditChainer {
  /** HMAC-SHA256 over the link before and the whole event. */
  link(previous: Buffer, event: ChainedEvent): Buffer;
  /** Vouches that the events up to this one were removed for their age. */
  sign(ownerId: string, sequence: bigint, mac: Buffer): Buffer;
  isSigned(ownerId: string, sequence: bigint, mac: Buffer, signature: Buffer): boolean;
}

/** See AuditChainer. */
export function createAuditChainer(key: Buffer): AuditChainer {
  const hmac = (purpose: string, previous: Buffer, parts: readonly unknown[]): Buffer =>
    createHmac('sha256', key).update(`${purpose}\n`).update(previous).update(JSON.stringify(parts)).digest();
  const sign = (ownerId: string, sequence: bigint, mac: Buffer): Buffer =>
    hmac('checkpoint', mac, [ownerId, String(sequence)]);
  return {
    link: (previous, event) =>
      hmac('event', previous, [
        event.ownerId,
        String(event.sequence),
        event.id,
        event.createdAt.toISOString(),
        event.userId,
        event.apiKeyId,
        event.sessionId,
        event.service,
        event.action,
        event.target,
        event.outcome,
        event.requestId,
        event.address,
        event.before,
        event.after,
      ]),
    sign,
    isSigned: (ownerId, sequence, mac, signature) => {
      const expected = sign(ownerId, sequence, mac);
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    },
  };
}
