import { EventEmitter, once } from 'node:events';
import { type RevocationFeed, RevocationList } from '@morag/auth';
import { DomainError } from '@morag/errors';
import type { Database } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import { deleteExpiredRevocations, type RevocationRow, readRevocations } from './revocation.store.ts';

const PAGE = 1_000;
/** Another instance's revocations are seen within this time. */
const POLL_MS = 500;
const HEARTBEAT_MS = 2_000;
/** The feed is no longer believed when PostgreSQL has not answered for this long. */
const SILENCE_MS_MAX = 10_000;
/** How long a revocation waits for a stream that does not take it. */
const HANDOVER_MS_MAX = 200;
const SWEEP_EVERY_MS = 60_000;

/** One message of a stream of revocations. */
export interface RevocationNews {
  readonly revocations: RevocationRow[];
  /** Whether everything in force has been sent. */
  readonly snapshotComplete: boolean;
}

/** Knows the revocations in force, and tells this service's authenticator and every stream of them at once. */
export class RevocationPublisher {
  readonly #db: Database;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #list = new RevocationList();
  readonly #events = new EventEmitter().setMaxListeners(0);
  readonly #watchers = new Set<{ delivered: bigint }>();
  #inForce: RevocationRow[] = [];
  #sequence = 0n;
  #lookedAtMs = 0;
  #sweptAtMs: number;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  /** `now` is in milliseconds since 1970. */
  constructor(db: Database, logger: Logger, now: () => number = Date.now) {
    this.#db = db;
    this.#logger = logger;
    this.#now = now;
    this.#sweptAtMs = now();
  }

  /** What the authenticator of this service asks. */
  readonly feed: RevocationFeed = {
    isRevoked: (token) => this.#list.has(token),
    isFresh: () => this.#now() - this.#lookedAtMs <= SILENCE_MS_MAX,
  };

  async start(): Promise<void> {
    await this.#look();
    this.#schedule();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#events.emit('news');
    await this.#looking.catch(() => {});
  }

  /** Called after a revocation was committed here: resolves when every stream has been handed it. */
  async publish(): Promise<void> {
    await this.#look();
    const target = this.#sequence;
    const signal = AbortSignal.timeout(HANDOVER_MS_MAX);
    while (!signal.aborted && [...this.#watchers].some(({ delivered }) => delivered < target)) {
      await once(this.#events, 'delivered', { signal }).catch(() => {});
    }
  }

  /**
   * First what is in force, then each new revocation, and an empty message now and then as a sign of life: that nothing
   * else was revoked. It ends with UNAVAILABLE when that is not known.
   */
  async *watch(signal: AbortSignal): AsyncGenerator<RevocationNews> {
    const watcher = { delivered: 0n };
    this.#watchers.add(watcher);
    try {
      while (!signal.aborted) {
        if (!this.feed.isFresh()) throw new DomainError('UNAVAILABLE', 'Revocations cannot be read right now.');
        const revocations = this.#inForce.filter(({ sequence }) => sequence > watcher.delivered);
        const seen = revocations.at(-1)?.sequence ?? watcher.delivered;
        yield { revocations, snapshotComplete: true };
        // The consumer has come back for more: it has what was yielded.
        watcher.delivered = seen;
        this.#events.emit('delivered');
        if (seen >= this.#newest()) await this.#newsOrHeartbeat(signal);
      }
    } finally {
      this.#watchers.delete(watcher);
      this.#events.emit('delivered');
    }
  }

  /** Of those in force; the sequence itself may have gone on over some that have expired. */
  #newest(): bigint {
    return this.#inForce.at(-1)?.sequence ?? 0n;
  }

  async #newsOrHeartbeat(signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, AbortSignal.timeout(HEARTBEAT_MS)]);
    await once(this.#events, 'news', { signal: either }).catch(() => {});
  }

  /** One look at a time; each caller gets one that begins after its call. */
  #look(): Promise<void> {
    this.#looking = this.#looking.catch(() => {}).then(() => this.#readNew());
    return this.#looking;
  }

  async #readNew(): Promise<void> {
    for (;;) {
      const rows = await readRevocations(this.#db, this.#sequence, PAGE);
      this.#lookedAtMs = this.#now();
      for (const row of rows) this.#add(row);
      if (rows.length > 0) this.#events.emit('news');
      if (rows.length < PAGE) return;
    }
  }

  #add(row: RevocationRow): void {
    this.#inForce.push(row);
    this.#sequence = row.sequence;
    this.#list.add({
      userId: row.userId,
      sessionId: row.sessionId ?? '',
      notAfterMs: row.notAfter.getTime(),
      expireMs: row.expiresAt.getTime(),
    });
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#tick(), POLL_MS).unref();
  }

  async #tick(): Promise<void> {
    try {
      await this.#look();
      await this.#sweep();
    } catch (error) {
      this.#logger.warn({ err: error }, 'revocations cannot be read');
    }
    if (this.#timer) this.#schedule();
  }

  async #sweep(): Promise<void> {
    const now = this.#now();
    if (now - this.#sweptAtMs < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = now;
    this.#list.sweep(now);
    this.#inForce = this.#inForce.filter(({ expiresAt }) => expiresAt.getTime() > now);
    await deleteExpiredRevocations(this.#db);
  }
}
