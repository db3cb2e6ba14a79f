import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseView, PlacementView } from '../../src/modules/database/database-view.ts';
import type { FailoverStore, PlacedCopy } from '../../src/modules/failover/failover.store.ts';
import type { FailoverEvent } from '../../src/modules/failover/failover.ts';
import type { HealthStore } from '../../src/modules/health/health.store.ts';
import type { LeaseStore } from '../../src/modules/log/lease.store.ts';
import { decodeMutation } from '../../src/modules/log/mutation.codec.ts';
import type { MutationStore } from '../../src/modules/log/mutation.store.ts';
import type { LogEntry } from '../../src/modules/log/mutation.ts';
import { FOLLOWING_STATES } from '../../src/modules/placement/placement.ts';
import type { SwitchStore } from '../../src/modules/placement/switch.store.ts';
import type { WindBackStore } from '../../src/modules/placement/wind-back.store.ts';
import type { Mutant } from './mutants.ts';
import { type Link, NEVER } from './network.ts';
import { type Ask, DATABASE_ID, type PlacementRow, simulateLeases } from './simulated-leases.ts';
import { COLLECTION } from './simulated-server.ts';
import { simulateWindBacks } from './simulated-wind-backs.ts';

/** See createSimulatedPostgres. */
export interface PostgresDeps {
  readonly serverIds: readonly string[];
  readonly now: () => number;
  readonly random: () => number;
  readonly onPromoted: (to: PlacementRow) => void;
  readonly onFailover: (event: FailoverEvent) => void;
  /** How long a former primary has to be well before the database goes back to it; undefined for never. */
  readonly failBackDelayMs: number | undefined;
  /** Placements of a server are about to be wound back; true when who asks dies before. */
  readonly diesBeforeWindBack: (serverId: string) => boolean;
  readonly mutant: Mutant | undefined;
}

/** The stores of one instance. */
export interface Stores {
  readonly leases: LeaseStore;
  readonly mutations: MutationStore;
  readonly switches: SwitchStore;
  readonly failovers: FailoverStore;
  readonly windBacks: WindBackStore;
  readonly health: Pick<HealthStore, 'write'>;
  readonly view: () => Promise<DatabaseView | undefined>;
}

/** PostgreSQL, which is trusted: what is committed stays. */
export interface SimulatedPostgres {
  readonly log: readonly LogEntry[];
  readonly placements: readonly PlacementRow[];
  readonly promotions: number;
  /** As an instance sees it. */
  connect(link: Link): Stores;
}

const CHANGES_WINDOW_MS = 300_000;

/** Creates it, with one database that has a placement on each server, all in sync. */
export function createSimulatedPostgres(deps: PostgresDeps): SimulatedPostgres {
  return new Postgres(deps);
}

class Postgres implements SimulatedPostgres {
  readonly log: LogEntry[] = [];
  readonly placements: readonly PlacementRow[];
  readonly #deps: PostgresDeps;
  readonly #changedAtMs: number[] = [];
  /** Servers that stopped, and when: their placements are to be wound back. */
  readonly #stoppedAtMs = new Map<string, number>();
  #homeId: string | undefined;
  /** Held by who appends, and by who swaps roles. */
  #databaseRow: Promise<void> = Promise.resolve();

  constructor(deps: PostgresDeps) {
    this.#deps = deps;
    this.placements = deps.serverIds.map((serverId, index) => ({
      id: `placement-${index}`,
      serverId,
      role: index === 0 ? 'PRIMARY' : 'REPLICA',
      state: 'IN_SYNC',
      appliedSequence: 0,
      syncSequence: 0,
      repairSequence: 0,
      epoch: 0,
      leaseOwner: undefined,
      leaseUntilMs: 0,
      lastOwner: undefined,
      quarantined: new Set(),
      confirmed: [],
    }));
  }

  get promotions(): number {
    return this.#changedAtMs.length;
  }

  connect(link: Link): Stores {
    const ask = <T>(statement: () => T | Promise<T>): Promise<T> => this.#ask(link, statement);
    return {
      leases: simulateLeases({
        ...this.#deps,
        link,
        ask,
        log: this.log,
        rowOf: (id) => this.#row(id),
        rows: this.placements,
      }),
      mutations: this.#mutations(ask),
      switches: this.#switches(link, ask),
      failovers: this.#failovers(ask),
      ...simulateWindBacks({ ...this.#deps, ask, placements: this.placements, stoppedAtMs: this.#stoppedAtMs }),
      view: () => ask(() => this.#view()),
    };
  }

  /** A statement on its way there and back; where the way is cut, it may have been executed all the same. */
  async #ask<T>(link: Link, statement: () => T | Promise<T>): Promise<T> {
    const { random } = this.#deps;
    const lost = async (): Promise<never> => {
      await sleep(200 + random() * 800);
      throw new Error('PostgreSQL does not answer');
    };
    await sleep(0.2 + random() * 2);
    if (link.isDead) return NEVER;
    if (link.isCutFromPostgres) return lost();
    const answer = await statement();
    await sleep(0.2 + random() * 2);
    if (link.isDead) return NEVER;
    return link.isCutFromPostgres ? lost() : answer;
  }

  /** The row of the database is locked while `work` goes on. */
  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#databaseRow;
    let unlock = (): void => {};
    this.#databaseRow = new Promise((resolve) => {
      unlock = resolve;
    });
    await before;
    try {
      return await work();
    } finally {
      unlock();
    }
  }

  #row(placementId: string): PlacementRow {
    const row = this.placements.find(({ id }) => id === placementId);
    if (!row) throw new Error(`There is no placement ${placementId}.`);
    return row;
  }

  #mutations(ask: Ask): MutationStore {
    return {
      append: (_databaseId, payloads) =>
        ask(() =>
          this.#locked(async () => {
            for (const payload of payloads) {
              const mutation = decodeMutation(payload);
              this.log.push({ sequence: this.log.length + 1, mutation, sizeBytes: payload.length });
            }
            return this.log.length;
          }),
        ),
      readAfter: (_databaseId, sequence, { entriesMax }) => ask(() => this.log.slice(sequence, sequence + entriesMax)),
      appendUnlessTouched: () => Promise.reject(new Error('nothing is repaired here')),
      isTrimmedPast: async () => false,
      releaseLate: async () => [],
      trim: async () => 0,
    };
  }

  #switches(link: Link, ask: Ask): SwitchStore {
    const { now, mutant, onPromoted } = this.#deps;
    const gap = ({ from, to }: { from: string; to: string }) => {
      const target = this.#row(to);
      if (this.#row(from).role !== 'PRIMARY' || target.role !== 'REPLICA') throw new Error('the roles have changed');
      if (!FOLLOWING_STATES.includes(target.state)) throw new Error('the placement follows no log');
      return { head: Math.max(this.log.length, target.syncSequence), applied: target.appliedSequence };
    };
    return {
      gap: (handover) => ask(() => gap(handover)),
      swap: (handover, waitMs, alongside, signal) =>
        ask(() =>
          this.#locked(async () => {
            for (const endsAtMs = now() + waitMs; ; await sleep(5)) {
              // PostgreSQL ends the transaction of a connection that is gone.
              if (link.isDead || link.isCutFromPostgres || signal.aborted) throw new Error('the connection is gone');
              const { head, applied } = gap(handover);
              if (applied >= head || mutant === 'early-promotion') break;
              if (now() >= endsAtMs) return undefined;
            }
            const [from, to] = [this.#row(handover.from), this.#row(handover.to)];
            from.role = 'REPLICA';
            to.role = 'PRIMARY';
            const home = this.#homeId ?? from.id;
            this.#homeId = handover.isTemporary && home !== to.id ? home : undefined;
            const swapped = { sequence: this.log.length, promotedAt: new Date(now()) };
            this.#changedAtMs.push(now());
            await alongside(undefined as never, swapped);
            onPromoted(to);
            return swapped;
          }),
        ),
    };
  }

  #failovers(ask: Ask): FailoverStore {
    const { now, mutant, failBackDelayMs, onFailover } = this.#deps;
    const copies = (): PlacedCopy[] =>
      this.placements.map(({ id, serverId, role, state, appliedSequence }) => ({
        databaseId: DATABASE_ID,
        placementId: id,
        serverId,
        role,
        state,
        appliedSequence,
      }));
    const recentChanges = (): number => this.#changedAtMs.filter((atMs) => now() - atMs < CHANGES_WINDOW_MS).length;
    return {
      endangered: (serverIds) =>
        ask(() => {
          const primary = this.placements.find(({ role }) => role === 'PRIMARY');
          if (!primary || !serverIds.includes(primary.serverId)) return [];
          return [{ databaseId: DATABASE_ID, copies: copies(), recentChanges: recentChanges() }];
        }),
      displaced: () =>
        ask(() => {
          const primary = copies().find(({ role }) => role === 'PRIMARY');
          const home = copies().find(({ placementId }) => placementId === this.#homeId);
          if (!primary || home?.state !== 'IN_SYNC' || failBackDelayMs === undefined) return [];
          const delayMs = mutant === 'hasty-fail-back' ? 0 : failBackDelayMs;
          return [{ databaseId: DATABASE_ID, home, primary, delayMs, recentChanges: recentChanges() }];
        }),
      copies: () => ask(copies),
      insert: async (_em, event) => onFailover(event),
      list: async () => ({ rows: [], next: undefined }),
    };
  }

  #view(): DatabaseView | undefined {
    const placements = this.placements.map(
      ({ id, serverId, role, state, appliedSequence, epoch }): PlacementView => ({
        id,
        databaseId: DATABASE_ID,
        serverId,
        revision: 1,
        collection: COLLECTION,
        role,
        state,
        appliedSequence,
        epoch,
        weight: 100,
        isPreferred: true,
      }),
    );
    const primary = placements.find(({ role }) => role === 'PRIMARY');
    if (!primary) return undefined;
    return {
      id: DATABASE_ID,
      ownerId: 'owner',
      dimension: 2,
      metric: 'euclidean',
      readPolicy: 'ANY',
      pinnedServerId: '',
      writePolicy: 'PRIMARY',
      headSequence: this.log.length,
      primary,
      placements,
    };
  }
}
