import { setTimeout as sleep } from 'node:timers/promises';
import { FORMER_PRIMARY_IS_BACK } from '../../src/modules/failover/fail-back-keeper.ts';
import type { FailoverEvent } from '../../src/modules/failover/failover.ts';
import { fetchRecords } from '../../src/modules/record/read-records.ts';
import { deleteRecordsById, upsertRecords } from '../../src/modules/record/write-records.ts';
import { type FaultTargets, heal, injectFaults } from './faults.ts';
import type { Mutant } from './mutants.ts';
import { newRandom } from './random.ts';
import { type SimulatedInstance, startInstance, TOKENS } from './simulated-instance.ts';
import { DATABASE_ID, type PlacementRow } from './simulated-leases.ts';
import { createSimulatedPostgres } from './simulated-postgres.ts';
import { SimulatedServer } from './simulated-server.ts';
import { versionAt, versionOf, wasBetween } from './truth.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What came of one seed. */
export interface Outcome {
  /** What must not be and was; empty when all is well. */
  readonly violations: readonly string[];
  readonly acknowledged: number;
  readonly checkedReads: number;
  readonly promotions: number;
  /** Of these, to a former primary that was well again. */
  readonly failBacks: number;
}

const FAULTY_MS = 20_000;
const REST_MS_MAX = 90_000;
/** With every second seed, a database goes back to a former primary that has been well for so long. */
const FAIL_BACK_DELAY_MS = 5_000;
const WRITERS = 3;
const READERS = 2;
const INSTANCES = 2;
/** Of the moments in which placements are about to be wound back. */
const ALL_DIE_SHARE = 0.1;
const IDS = Array.from({ length: 10 }, (_, index) => `record-${index}`);
/** One that servers refuse now and then: what becomes of it is told to its writer and in the quarantine. */
const REFUSED_ID = 'refused';
const SCOPE = { ownerId: 'owner' };

/** Runs one history, which the seed decides whole, and judges it. */
export async function simulate(time: VirtualTime, seed: number, mutant?: Mutant): Promise<Outcome> {
  const startedAtMs = time.now();
  const world = new World(time, seed, mutant);
  const running = world.run();
  let isDone = false;
  void running.finally(() => {
    isDone = true;
  });
  for (let endMs = startedAtMs; !isDone && endMs < startedAtMs + FAULTY_MS + 2 * REST_MS_MAX; endMs += 1_000) {
    await time.runUntil(endMs);
  }
  time.clear();
  if (!isDone) world.violate('it does not come to an end');
  return world.outcome;
}

class World {
  readonly #random: () => number;
  readonly #time: VirtualTime;
  readonly #mutant: Mutant | undefined;
  readonly #servers: readonly SimulatedServer[];
  readonly #postgres;
  readonly #instances: SimulatedInstance[] = [];
  readonly #violations: string[] = [];
  #instanceCount = 0;
  #version = 0;
  #isOver = false;
  #watchedSinceMs = 0;
  #token = '';
  #acknowledged = 0;
  #checkedReads = 0;
  #failBacks = 0;
  readonly #goesBack: boolean;

  constructor(time: VirtualTime, seed: number, mutant: Mutant | undefined) {
    this.#time = time;
    this.#random = newRandom(seed);
    this.#mutant = mutant;
    this.#goesBack = seed % 2 === 0;
    const random = this.#random;
    this.#servers = Array.from({ length: 2 + Math.floor(random() * 2) }, (_, index) => {
      return new SimulatedServer(`server-${index}`, random() < 0.4 ? 1_500 : 0);
    });
    this.#postgres = createSimulatedPostgres({
      serverIds: this.#servers.map(({ id }) => id),
      now: time.now,
      random,
      mutant,
      onPromoted: (to) => this.#checkPromotion(to),
      onFailover: (event) => this.#checkFailover(event),
      failBackDelayMs: this.#goesBack ? FAIL_BACK_DELAY_MS : undefined,
      diesBeforeWindBack: (serverId) => this.#dieBeforeWindBack(serverId),
    });
    for (let count = 0; count < INSTANCES; count++) this.#instances.push(this.#startInstance());
  }

  get outcome(): Outcome {
    return {
      violations: this.#violations,
      acknowledged: this.#acknowledged,
      checkedReads: this.#checkedReads,
      promotions: this.#postgres.promotions,
      failBacks: this.#failBacks,
    };
  }

  violate(text: string): void {
    this.#violations.push(`${Math.round(this.#time.now())} ms: ${text}`);
  }

  async run(): Promise<void> {
    const targets: FaultTargets = {
      servers: this.#servers,
      instances: this.#instances,
      random: this.#random,
      replace: (instance) => void this.#replace(instance),
      watchedMs: () => this.#time.now() - this.#watchedSinceMs,
    };
    const loops = [
      ...Array.from({ length: WRITERS }, () => this.#write()),
      ...Array.from({ length: READERS }, () => this.#read()),
      injectFaults(targets, () => this.#isOver),
    ];
    await sleep(FAULTY_MS);
    this.#isOver = true;
    await Promise.all(loops);
    // Faults that are under way end by themselves too.
    await sleep(15_000);
    heal(targets);
    await this.#checkRest();
  }

  #startInstance(): SimulatedInstance {
    return startInstance({
      id: `instance-${++this.#instanceCount}`,
      servers: this.#servers,
      postgres: this.#postgres,
      now: this.#time.now,
      random: this.#random,
      mutant: this.#mutant,
      goesBack: this.#goesBack,
      onEffect: (instanceId, server, operation) => this.#checkEffect(instanceId, server, operation),
    });
  }

  async #replace(dead: SimulatedInstance): Promise<void> {
    if (!this.#instances.includes(dead)) return;
    const instance = this.#startInstance();
    this.#instances.splice(this.#instances.indexOf(dead), 1, instance);
    await instance.ready;
  }

  /** Now and then all processes die at that moment, and others start when the server is back. */
  #dieBeforeWindBack(serverId: string): boolean {
    if (this.#isOver || this.#random() > ALL_DIE_SHARE) return false;
    const dead = [...this.#instances];
    for (const { link } of dead) link.isDead = true;
    this.#watchedSinceMs = Number.POSITIVE_INFINITY;
    const server = this.#servers.find(({ id }) => id === serverId);
    const generation = server?.generation;
    const restart = async (): Promise<void> => {
      await sleep(this.#random() * 3_000);
      // Unless it was killed once more, which nobody has seen yet.
      if (server?.generation === generation) server?.start();
      await Promise.all(dead.map((instance) => this.#replace(instance)));
      this.#watchedSinceMs = this.#time.now();
    };
    void restart();
    return true;
  }

  #oneOf<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)] as T;
  }

  async #write(): Promise<void> {
    while (!this.#isOver) {
      await sleep(20 + this.#random() * 300);
      const isRefused = this.#random() < 0.03;
      const id = isRefused ? REFUSED_ID : this.#oneOf(IDS);
      if (isRefused) this.#oneOf(this.#servers).memory.refused.set(id, 'no room for it');
      const { link, records, call } = this.#oneOf(this.#instances);
      const version = ++this.#version;
      const input = { scope: SCOPE, databaseId: DATABASE_ID };
      const record = { id, vector: [1, 2], metadata: { version } };
      const isDelete = this.#random() < 0.25;
      const work = isDelete
        ? deleteRecordsById(records, { ...input, ids: [id] }, call(3_000))
        : upsertRecords(records, { ...input, records: [record] }, call(3_000));
      const written = await inTime(work, 4_000);
      if (!written || link.isDead) continue;
      this.#acknowledged++;
      this.#token = written.token;
      const sequence = TOKENS.decode(DATABASE_ID, written.token);
      const expected = isDelete ? undefined : version;
      if (versionAt(this.#postgres.log, id, sequence) !== expected) this.violate(`a write of ${id} is not in the log`);
    }
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      await sleep(20 + this.#random() * 200);
      const { link, records, call } = this.#oneOf(this.#instances);
      const token = this.#token;
      const from = TOKENS.decode(DATABASE_ID, token);
      const input = {
        scope: SCOPE,
        databaseId: DATABASE_ID,
        token: this.#mutant === 'token-ignored' ? '' : token,
        ids: IDS,
        include: { vector: false, metadata: true, document: false },
      };
      const served = await inTime(fetchRecords(records, input, call(3_000)), 4_000);
      if (!served || link.isDead) continue;
      this.#checkedReads++;
      const versions = new Map(served.answer.map((record) => [record.id, versionOf(record)]));
      const { log } = this.#postgres;
      for (const id of IDS) {
        const version = versions.get(id);
        if (wasBetween(log, { id, version, from, to: log.length })) continue;
        const now = versionAt(log, id, log.length);
        this.violate(`${served.servedBy} answered version ${version} of ${id}; after mutation ${from} it is ${now}`);
      }
    }
  }

  #checkEffect(instanceId: string, server: SimulatedServer, operation: string): void {
    if (operation !== 'upsert' && operation !== 'deleteByIds') return;
    const row = this.#postgres.placements.find(({ serverId }) => serverId === server.id);
    if (row?.lastOwner !== instanceId) {
      this.violate(`${instanceId} applies to ${row?.id}, whose lease ${row?.lastOwner} has taken`);
    }
  }

  #checkPromotion(to: PlacementRow): void {
    const primaries = this.#postgres.placements.filter(({ role }) => role === 'PRIMARY');
    if (primaries.length !== 1) this.violate(`there are ${primaries.length} primaries`);
    const server = this.#servers.find(({ id }) => id === to.serverId);
    if (server && !server.isFragile) this.#checkContent(to, server, 'was promoted and');
  }

  #checkFailover({ reason, toPlacementId }: FailoverEvent): void {
    if (!reason.startsWith(FORMER_PRIMARY_IS_BACK)) return;
    this.#failBacks++;
    const home = this.#postgres.placements.find(({ id }) => id === toPlacementId);
    const server = this.#servers.find(({ id }) => id === home?.serverId);
    const upMs = this.#time.now() - (server?.startedAtMs ?? 0);
    // A process that has just started does not know how long a server has been up.
    const isWatched = this.#time.now() - this.#watchedSinceMs >= FAIL_BACK_DELAY_MS;
    if (isWatched && upMs < FAIL_BACK_DELAY_MS)
      this.violate(`${toPlacementId} is the primary again after ${Math.round(upMs)} ms`);
    if (home?.state !== 'IN_SYNC') this.violate(`${toPlacementId} is the primary again while it is ${home?.state}`);
  }

  #checkContent({ id: placementId, quarantined }: PlacementRow, { records }: SimulatedServer, when: string): void {
    const { log } = this.#postgres;
    for (const id of IDS) {
      const stored = records.get(id);
      const version = stored && versionOf(stored);
      const expected = versionAt(log, id, log.length);
      if (version === expected || quarantined.has(id)) continue;
      this.violate(`${placementId} ${when} has version ${version} of ${id}, and the log ${expected}`);
    }
  }

  async #checkRest(): Promise<void> {
    const { log, placements } = this.#postgres;
    const isAtRest = (): boolean =>
      placements.every(({ state, appliedSequence }) => state === 'IN_SYNC' && appliedSequence === log.length);
    for (const endsAtMs = this.#time.now() + REST_MS_MAX; !isAtRest(); await sleep(500)) {
      if (this.#time.now() < endsAtMs) continue;
      return this.violate(`not at rest: ${JSON.stringify(placements.map(({ confirmed: _, ...row }) => row))}`);
    }
    for (const placement of placements) {
      const server = this.#servers.find(({ id }) => id === placement.serverId);
      if (server) this.#checkContent(placement, server, 'at rest');
    }
  }
}

/** What a call came to; undefined when it failed, or when its process died and nothing is heard of it. */
function inTime<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), ms));
  return Promise.race([work.catch(() => undefined), late]);
}
