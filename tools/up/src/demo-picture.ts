import { setTimeout as pause } from 'node:timers/promises';
import type { DemoClient, DemoPlacement } from './demo-client.ts';

/** What the picture shows. */
export interface DemoState {
  readonly reads: number;
  readonly failedReads: number;
  readonly acknowledged: number;
  readonly waitingWrites: number;
  readonly placements: readonly DemoPlacement[];
}

/** A live line at the foot of a terminal; elsewhere a plain line a second. */
export interface DemoPicture {
  /** Something has happened: it stays on the screen. */
  say(text: string): void;
  /** Draws the state again and again, until the signal. */
  follow(read: () => Promise<DemoState>, signal: AbortSignal): Promise<void>;
  /** Returns when the placements are as wanted. */
  until(
    client: DemoClient,
    database: string,
    isThere: (placements: readonly DemoPlacement[]) => boolean,
    signal: AbortSignal,
  ): Promise<void>;
  stop(): void;
}

const LIVE_MS = 200;
const PLAIN_MS = 1_000;
const LOOK_MS = 100;
const CLEAR_LINE = '\r\u001b[K';

/** Creates it. */
export function createDemoPicture(out: NodeJS.WriteStream): DemoPicture {
  const isLive = out.isTTY === true;
  const startedAtMs = performance.now();
  const seconds = (): string => `${((performance.now() - startedAtMs) / 1_000).toFixed(1).padStart(6)} s`;
  let last = '';
  const draw = (text: string): void => {
    last = text;
    out.write(isLive ? `${CLEAR_LINE}${text}` : `${text}\n`);
  };
  return {
    say(text) {
      out.write(isLive ? `${CLEAR_LINE}${seconds()}  ${text}\n${last}` : `${seconds()}  ${text}\n`);
    },
    async follow(read, signal) {
      while (!signal.aborted) {
        const state = await read().catch(() => undefined);
        if (state && !signal.aborted) draw(`${seconds()}  ${render(state)}`);
        await pause(isLive ? LIVE_MS : PLAIN_MS, undefined, { signal }).catch(() => {});
      }
    },
    async until(client, database, isThere, signal) {
      while (!isThere(await client.placements(database).catch(() => []))) {
        await pause(LOOK_MS, undefined, { signal });
      }
    },
    stop() {
      if (isLive) out.write(`${CLEAR_LINE}`);
    },
  };
}

function render({ reads, failedReads, acknowledged, waitingWrites, placements }: DemoState): string {
  const copies = placements.map(({ server, isPrimary, state }) => `${isPrimary ? '*' : ' '}${server} ${state}`);
  return `${copies.join('  ')}  reads ${reads} (failed ${failedReads})  writes ${acknowledged} (waiting ${waitingWrites})`;
}
