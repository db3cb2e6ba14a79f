import { expect, it } from '@jest/globals';
import { HEARTBEAT, withHeartbeat } from './heartbeat.ts';

it('puts a sign of life between messages that are far apart', async () => {
  const second = Promise.withResolvers<void>();
  const messages = async function* () {
    yield 1;
    await second.promise;
    yield 2;
  };
  const seen: unknown[] = [];
  for await (const message of withHeartbeat(messages(), 5)) {
    seen.push(message);
    if (seen.length === 3) second.resolve();
  }
  expect(seen.filter((message) => message !== HEARTBEAT)).toEqual([1, 2]);
  expect(seen.slice(0, 3)).toEqual([1, HEARTBEAT, HEARTBEAT]);
});

it('passes a failure on', async () => {
  const messages = async function* () {
    yield 1;
    throw new Error('broken');
  };
  const iterator = withHeartbeat(messages(), 1_000);
  expect(await iterator.next()).toEqual({ done: false, value: 1 });
  await expect(iterator.next()).rejects.toThrow('broken');
});
