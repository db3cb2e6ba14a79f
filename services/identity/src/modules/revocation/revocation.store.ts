import type { Database, Em } from '@morag/orm';
import { query } from '@morag/orm';

/** A revocation as the feed gives it. */
export interface RevocationRow {
  readonly sequence: bigint;
  readonly userId: string;
  readonly sessionId: string | null;
  readonly notAfter: Date;
  readonly expiresAt: Date;
}

/** Which tokens to refuse: those of one session, or of all of a user's. */
export interface RevokeInput {
  readonly userId: string;
  /** Null: all of the user's sessions. */
  readonly sessionId: string | null;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** How long the youngest of the tokens could still live. */
  readonly ttlSeconds: number;
}

/**
 * Adds a revocation in the caller's transaction. The lock makes revocations commit in the order of their sequence, so
 * that nobody who follows the sequence can step over one.
 */
export async function insertRevocation(em: Em, { userId, sessionId, nowMs, ttlSeconds }: RevokeInput): Promise<void> {
  await query(em, `select pg_advisory_xact_lock(hashtextextended('morag/identity/revocations', 0))`);
  await query(
    em,
    `insert into identity.revocations (user_id, session_id, not_after, expires_at) values ($1, $2, $3, $4)`,
    [userId, sessionId, new Date(nowMs), new Date(nowMs + ttlSeconds * 1000)],
  );
}

/** Those after `sequence` that are still in force, oldest first. */
export async function readRevocations(db: Database, sequence: bigint, limit: number): Promise<RevocationRow[]> {
  return db.read<RevocationRow>(
    `select sequence, user_id as "userId", session_id as "sessionId", not_after as "notAfter", expires_at as "expiresAt"
       from identity.revocations where sequence > $1 and expires_at > now() order by sequence limit $2`,
    [sequence, limit],
  );
}

/** Forgets those that no living token falls under. */
export async function deleteExpiredRevocations(db: Database): Promise<void> {
  await db.read(`delete from identity.revocations where expires_at < now() - interval '1 minute'`);
}
