import { setTimeout as sleep } from 'node:timers/promises';
import type { SimulatedInstance } from './simulated-instance.ts';
import type { SimulatedServer } from './simulated-server.ts';

/** What faults happen to. */
export interface FaultTargets {
  readonly servers: readonly SimulatedServer[];
  readonly instances: SimulatedInstance[];
  readonly random: () => number;
  /** Puts another process in the place of one. */
  readonly replace: (instance: SimulatedInstance) => void;
  /** For how long there has been somebody to notice what happens to servers. */
  readonly watchedMs: () => number;
}

/** Lets faults happen, several at a time, until `isOver`; each ends by itself. Answers what heals all that is left. */
export async function injectFaults(targets: FaultTargets, isOver: () => boolean): Promise<void> {
  const { random } = targets;
  while (!isOver()) {
    await sleep(200 + random() * 2_500);
    const fault = FAULTS[Math.floor(random() * FAULTS.length)];
    void fault?.(targets, 300 + random() * 6_000);
  }
}

/** Ends all faults. */
export function heal({ servers, instances }: FaultTargets): void {
  for (const server of servers) server.start();
  for (const { link } of instances) {
    link.isCutFromPostgres = false;
    link.cutFrom.clear();
  }
}

type Fault = (targets: FaultTargets, ms: number) => Promise<void>;

/** Long enough for a probe to notice: a death that nobody sees is beyond what is promised of servers that lose records. */
const DEAD_MS = 4_000;

const FAULTS: readonly Fault[] = [
  async function killServer({ servers, random, watchedMs }, ms) {
    const server = oneOf(servers, random);
    server.kill();
    const { generation } = server;
    await sleep(DEAD_MS + ms);
    while (watchedMs() < DEAD_MS) await sleep(500);
    // Killed once more meanwhile: that one's time counts.
    if (server.generation === generation) server.start();
  },
  async function freezeServer({ servers, random }, ms) {
    const server = oneOf(servers, random);
    server.isFrozen = true;
    // Often long enough to be taken for dead: it is wound back, and back with all that it had.
    await sleep(ms * 2);
    server.isFrozen = false;
  },
  async function slowServer({ servers, random }, ms) {
    const server = oneOf(servers, random);
    server.slowMs = 2_000;
    await sleep(ms);
    server.slowMs = 0;
  },
  async function cutFromServer({ servers, instances, random }, ms) {
    const server = oneOf(servers, random);
    const { link } = oneOf(instances, random);
    link.cutFrom.add(server);
    await sleep(ms);
    link.cutFrom.delete(server);
  },
  async function cutFromPostgres({ instances, random }, ms) {
    const { link } = oneOf(instances, random);
    link.isCutFromPostgres = true;
    await sleep(ms * 2);
    link.isCutFromPostgres = false;
  },
  async function killInstance({ instances, random, replace }, ms) {
    const instance = oneOf(instances, random);
    instance.link.isDead = true;
    await sleep(ms / 3);
    replace(instance);
  },
];

function oneOf<T>(all: readonly T[], random: () => number): T {
  return all[Math.floor(random() * all.length)] as T;
}
