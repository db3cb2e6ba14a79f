import { createHmac, timingSafeEqual } from 'node:crypto';
import { DomainError } from '@morag/errors';

/** Makes and reads the tokens by which a read sees a write. */
export interface ConsistencyTokens {
  encode(databaseId: string, sequence: number): string;
  /** The sequence a token of this database names; 0 for the empty token. Else INVALID_CONSISTENCY_TOKEN. */
  decode(databaseId: string, token: string): number;
}

const FORMAT = 1;
const BODY_BYTES = 1 + 16 + 8;
const MAC_BYTES = 12;

/** Tokens are 50 characters: format, database, sequence and a MAC, so that nobody waits for a sequence that is made up. */
export function createConsistencyTokens(secret: Buffer): ConsistencyTokens {
  const sign = (body: Buffer): Buffer => createHmac('sha256', secret).update(body).digest().subarray(0, MAC_BYTES);

  return {
    encode(databaseId, sequence) {
      const body = Buffer.alloc(BODY_BYTES);
      body.writeUInt8(FORMAT, 0);
      idBytes(databaseId).copy(body, 1);
      body.writeBigUInt64BE(BigInt(sequence), 17);
      return Buffer.concat([body, sign(body)]).toString('base64url');
    },
    decode(databaseId, token) {
      if (token === '') return 0;
      const bytes = Buffer.from(token, 'base64url');
      if (bytes.length !== BODY_BYTES + MAC_BYTES || bytes.toString('base64url') !== token) throw invalidToken();
      const body = bytes.subarray(0, BODY_BYTES);
      if (!timingSafeEqual(sign(body), bytes.subarray(BODY_BYTES)) || body.readUInt8(0) !== FORMAT)
        throw invalidToken();
      if (!body.subarray(1, 17).equals(idBytes(databaseId))) throw invalidToken('is of another database');
      return Number(body.readBigUInt64BE(17));
    },
  };
}

/** The error for a token that no write of this database answered with. */
export function invalidToken(description = 'is malformed'): DomainError {
  return new DomainError('INVALID_CONSISTENCY_TOKEN', `The consistency token ${description}.`, {
    violations: [{ field: 'token', description }],
  });
}

function idBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}
