import { expect, it } from '@jest/globals';
import type { VectorConnector } from '@morag/connectors-core';
import { createLogger } from '@morag/telemetry';
import { createLogSink } from '@morag/testing';
import { createDueQueue } from './due-queue.ts';
import { createHealthFleet } from './health-fleet.ts';
import { createHealthMonitor } from './health-monitor.ts';
import { healthSettings } from './health-settings.ts';
import { createHealthBoard } from './health-view.ts';

const SETTINGS = healthSettings({ intervalMs: 10_000, timeoutMs: 2_000, failures: 3, successes: 2, slowMs: 1_000 });

/** A monitor of so many servers that are all due, and how many it began to look at in each tick. */
function monitorOf(count: number) {
  const begun: number[] = [];
  const now = (): number => 0;
  const monitor = createHealthMonitor({
    fleet: createHealthFleet(SETTINGS.rules),
    rules: SETTINGS.rules,
    board: createHealthBoard({ now }),
    queue: createDueQueue(20, 0),
    connectors: {
      find: async (entries) => {
        begun.push(entries.length);
        return new Map<string, VectorConnector>();
      },
      rest: () => {},
      drop: () => {},
    },
    lifelines: { keep: () => {}, drop: () => {} },
    writer: { look: () => {}, status: () => {} },
    now,
    clock: () => new Date(0),
    random: () => 0,
    logger: createLogger({ level: 'warn', service: 'test', stream: createLogSink() }),
    settings: SETTINGS.probes,
  });
  const roster = Array.from({ length: count }, (_, n) => ({ id: `server ${n}`, revision: 1 }));
  monitor.setRoster(roster, () => true);
  return { monitor, begun };
}

it('begins few looks in a tick, however many are due: a process that is late lets no more be under way than it can do', () => {
  const { monitor, begun } = monitorOf(70);
  for (let tick = 0; tick < 4; tick++) monitor.tick();
  expect(begun).toEqual([32, 32, 6]);
});
