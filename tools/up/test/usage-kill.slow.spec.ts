import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, type Installation, newInstallation } from '@morag/testing';

let installation: Installation;
beforeAll(async () => {
  installation = await newInstallation({ MORAG_PROCESSES: 'separate' });
  await installation.start();
}, 120_000);
afterAll(() => installation.remove());

interface Usage {
  readonly usage?: readonly { readonly method: string; readonly calls: string }[];
}

it('loses the counts of the last second at most, and counts nothing twice, through kill -9 of everything', async () => {
  const { body } = await installation.call<{ apiKey: { id: string }; secret: string }>('POST', '/v1/api-keys', {
    name: 'counted',
    permissions: ['databases:read'],
  });
  const counted = async (): Promise<number> => {
    const { body: page } = await installation.call<Usage>('GET', `/v1/api-keys/${body.apiKey.id}/usage`);
    return (page.usage ?? []).reduce((sum, { calls }) => sum + Number(calls), 0);
  };
  let made = 0;
  const call = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n += 1) {
      const headers = { 'x-api-key': body.secret };
      const { status } = await fetch(`${installation.gateway}/v1/databases`, { headers });
      expect(status).toBe(200);
      made += 1;
    }
  };
  await call(50);
  await eventually(async () => expect(await counted()).toBe(50), { timeoutMs: 10_000 });
  await call(30);
  await installation.kill();
  await installation.start();
  const kept = await counted();
  // What was handed over before the kill is there, what was not is lost: never more than was made.
  expect(kept).toBeGreaterThanOrEqual(50);
  expect(kept).toBeLessThanOrEqual(made);
  await call(20);
  await eventually(async () => expect(await counted()).toBe(kept + 20), { timeoutMs: 10_000 });
}, 240_000);
