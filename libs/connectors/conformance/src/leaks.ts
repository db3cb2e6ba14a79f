import assert from 'node:assert/strict';
import { eventually } from '@morag/testing/eventually.ts';
import type { CaseResult } from './run-case.ts';

/** What keeps a program from ending by itself, as Node names it. */
const KINDS = ['TCPSocketWrap', 'TCPConnectWrap', 'TCPServerWrap', 'TLSWrap', 'Timeout'] as const;
/** Sockets take a moment to close, and a busy machine is slow. */
const SETTLE_MS = 60_000;

/** The last line of a suite, which no exception can excuse. */
export const LEAK_CASE = { id: 100, title: 'no socket, timer or unheard rejection is left behind' } as const;

/** Looks at what a suite leaves behind, from before its server is started until after it was stopped. */
export interface LeakWatch {
  /** Rejects with what is left after a while; ends the watch. */
  end(): Promise<void>;
}

/** Begins to watch this program's open resources, and its rejections that nobody hears. */
export function watchLeaks(): LeakWatch {
  const before = countResources();
  const unheard: unknown[] = [];
  const onUnheard = (reason: unknown) => void unheard.push(reason);
  process.on('unhandledRejection', onUnheard);
  return {
    async end() {
      try {
        await eventually(
          () => {
            const now = countResources();
            for (const kind of KINDS) assert.ok(now[kind] <= before[kind], `${now[kind] - before[kind]} × ${kind}`);
          },
          { timeoutMs: SETTLE_MS },
        );
        assert.equal(unheard.length, 0, `rejections that nobody heard: ${unheard.map(String).join('; ')}`);
      } finally {
        process.off('unhandledRejection', onUnheard);
      }
    },
  };
}

/** The end of the watch as the result of a case. */
export async function leakResult(watch: LeakWatch): Promise<CaseResult> {
  const started = performance.now();
  const durationMs = () => Math.round(performance.now() - started);
  try {
    await watch.end();
    return { ...LEAK_CASE, outcome: 'passed', durationMs: durationMs() };
  } catch (error) {
    return { ...LEAK_CASE, outcome: 'failed', durationMs: durationMs(), note: (error as Error).message, error };
  }
}

function countResources(): Record<(typeof KINDS)[number], number> {
  const open = process.getActiveResourcesInfo();
  const count = (kind: string) => open.filter((each) => each === kind).length;
  return Object.fromEntries(KINDS.map((kind) => [kind, count(kind)])) as Record<(typeof KINDS)[number], number>;
}
