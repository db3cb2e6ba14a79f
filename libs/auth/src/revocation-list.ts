/** A token as revocations see it. */
export interface IssuedToken {
  readonly userId: string;
  readonly sessionId: string;
  readonly issuedAtMs: number;
}

/** Tokens that are refused before they expire. */
export interface Revoked {
  readonly userId: string;
  /** Empty: every session of the user. */
  readonly sessionId: string;
  /** Tokens issued at or before this are refused. */
  readonly notAfterMs: number;
  /** When all of them have expired. */
  readonly expireMs: number;
}

/** Answers whether a token has been revoked. */
export interface RevocationFeed {
  isRevoked(token: IssuedToken): boolean;
  /** Whether the answer can be relied on: complete, and no older than the feed's bound. */
  isFresh(): boolean;
}

/** The revocations in force, in memory; as many as fall within the life of an access token. */
export class RevocationList {
  readonly #bySubject = new Map<string, Revoked>();
  #sweepAtMs = 0;

  /** Adds one. Adding it again, or in another order, changes nothing. */
  add(revoked: Revoked): void {
    const key = subjectOf(revoked.userId, revoked.sessionId);
    const known = this.#bySubject.get(key);
    this.#bySubject.set(key, {
      ...revoked,
      notAfterMs: Math.max(revoked.notAfterMs, known?.notAfterMs ?? 0),
      expireMs: Math.max(revoked.expireMs, known?.expireMs ?? 0),
    });
  }

  /** Whether a token is refused. */
  has({ userId, sessionId, issuedAtMs }: IssuedToken): boolean {
    const covers = (key: string): boolean => issuedAtMs <= (this.#bySubject.get(key)?.notAfterMs ?? -1);
    return covers(subjectOf(userId, '')) || covers(subjectOf(userId, sessionId));
  }

  /** Forgets what has expired; walks the list at most once in ten seconds. */
  sweep(nowMs: number): void {
    if (nowMs < this.#sweepAtMs) return;
    this.#sweepAtMs = nowMs + 10_000;
    for (const [key, { expireMs }] of this.#bySubject) if (expireMs < nowMs) this.#bySubject.delete(key);
  }

  /** How many are in force. */
  get size(): number {
    return this.#bySubject.size;
  }
}

function subjectOf(userId: string, sessionId: string): string {
  return `${userId}/${sessionId}`;
}
