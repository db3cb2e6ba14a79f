import { expect, it } from '@jest/globals';
import { fixedClock } from './clock.ts';
import { eventually } from './eventually.ts';
import { createLogSink } from './log-sink.ts';

it('tries until it succeeds', async () => {
  let tries = 0;
  const result = await eventually(async () => {
    tries += 1;
    expect(tries).toBeGreaterThan(3);
    return 'done';
  });
  expect([result, tries]).toEqual(['done', 4]);
});

it('fails with the last error', async () => {
  let tries = 0;
  const failing = eventually(
    () => {
      tries += 1;
      throw new Error(`try ${tries}`);
    },
    { timeoutMs: 30, intervalMs: 5 },
  );
  await expect(failing).rejects.toThrow(/^try \d+$/);
  expect(tries).toBeGreaterThan(1);
});

it('has a clock that moves only when told', () => {
  const clock = fixedClock('2026-05-06T00:00:00Z');
  expect(clock.now()).toBe(Date.UTC(2026, 4, 6));
  clock.advance(1_500);
  expect(clock.now()).toBe(Date.UTC(2026, 4, 6) + 1_500);
});

it('keeps log lines', () => {
  const sink = createLogSink();
  sink.write('{"level":"info","msg":"one"}\n');
  expect(sink.lines).toEqual([{ level: 'info', msg: 'one' }]);
  expect(sink.text).toContain('"msg":"one"');
});
