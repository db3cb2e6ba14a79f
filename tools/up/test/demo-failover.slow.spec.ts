import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { eventually, spawnLeashed } from '@morag/testing';

const MAIN = fileURLToPath(new URL('../src/demo-failover.ts', import.meta.url));

function start() {
  const child = spawnLeashed(MAIN, [], { env: process.env, stdout: 'pipe', stderr: 'inherit' });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { child, text: () => text, exited: once(child, 'exit') as Promise<[number | null]> };
}

it('the demonstration shows a kill, a failover and a return, and no error', async () => {
  const { text, exited } = start();
  const [code] = await exited;
  // Together, so that a failure shows what went on.
  expect({ code, text: text() }).toEqual({ code: 0, text: expect.stringContaining('failed reads: 0;') });
  const lines = text().trim().split('\n');
  const at = (what: string): number => lines.findIndex((line) => line.includes(what));
  const steps = ['kill -9 chroma', 'the other copy is the primary', 'chroma has caught up'].map(at);
  expect(steps).toEqual(steps.filter((line) => line > 0).toSorted((a, b) => a - b));
  expect(lines.at(-1)).toMatch(/failed reads: 0; acknowledged writes: \d+, of them lost: 0$/);
}, 240_000);

it('the demonstration ends cleanly when it is interrupted', async () => {
  const { child, text, exited } = start();
  await eventually(() => expect(text()).toContain('two copies'), { timeoutMs: 120_000 });
  child.kill('SIGINT');
  expect((await exited)[0]).toBe(130);
}, 180_000);
