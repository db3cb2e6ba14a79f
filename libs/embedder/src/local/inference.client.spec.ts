import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { InferenceClient, type InferenceLimits } from './inference.client.ts';
import { BUILT_IN_MODEL_DIR, readModelFolder } from './model-folder.ts';

const { modelFile, tokenizerFile, pooling, tokensMax } = readModelFolder(BUILT_IN_MODEL_DIR);
const LONG = 'a passage that takes the model a while '.repeat(60);
const never = new AbortController().signal;
const clients: InferenceClient[] = [];

function open(limits: Partial<InferenceLimits> = {}, file = modelFile): InferenceClient {
  const client = new InferenceClient({ modelFile: file, tokenizerFile, pooling, tokensMax, threads: 2 }, limits);
  clients.push(client);
  return client;
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

it('starts no process before the first text', async () => {
  const client = open();
  expect(client.pid).toBeUndefined();
  await client.infer('text', 'query', never);
  expect(client.pid).toBeGreaterThan(0);
});

it('answers a question before the passages that came earlier', async () => {
  const client = open({ windowMax: 2 });
  const order: string[] = [];
  const passages = Array.from({ length: 8 }, (_, i) =>
    client.infer(`${i} ${LONG}`, 'passage', never).then(() => order.push('passage')),
  );
  await passages[0];
  await client.infer('a question', 'query', never).then(() => order.push('query'));
  await Promise.all(passages);
  expect(order.indexOf('query')).toBeLessThan(5);
});

it('gives up what is aborted and goes on with the rest', async () => {
  const client = open();
  const stop = new AbortController();
  const aborted = [1, 2, 3].map((i) => client.infer(`${i} ${LONG}`, 'passage', stop.signal));
  const kept = client.infer('kept', 'passage', never);
  stop.abort(new Error('no longer wanted'));
  expect((await Promise.allSettled(aborted)).map((result) => result.status)).toEqual([
    'rejected',
    'rejected',
    'rejected',
  ]);
  await expect(kept).resolves.toHaveLength(384);
  await expect(client.infer('late', 'passage', stop.signal)).rejects.toThrow('no longer wanted');
});

it('refuses more texts than its bound', async () => {
  const client = open({ queueMax: 1 });
  const first = client.infer('one', 'passage', never);
  await expect(client.infer('two', 'passage', never)).rejects.toMatchObject({ name: 'EmbedderError', retryable: true });
  await first;
});

it('rejects what was running when its process dies, and starts another for what waits', async () => {
  const client = open({ windowMax: 1 });
  await client.infer('warm', 'query', never);
  const pid = client.pid ?? 0;
  const running = client.infer(LONG, 'passage', never);
  const waiting = client.infer('waits', 'passage', never);
  process.kill(pid, 'SIGKILL');
  await expect(running).rejects.toMatchObject({ message: 'The embedding process died.', retryable: true });
  await expect(waiting).resolves.toHaveLength(384);
  expect(client.pid).not.toBe(pid);
});

it('kills a process that has gone silent', async () => {
  const client = open({ silenceMsMax: 1_000 });
  const asked = client.infer('text', 'query', never);
  process.kill(client.pid ?? 0, 'SIGSTOP');
  // Further questions are no sign of life.
  const more = setInterval(() => void client.infer('more', 'query', never).catch(() => {}), 100);
  await expect(asked.finally(() => clearInterval(more))).rejects.toMatchObject({
    message: 'The embedding process died.',
    retryable: true,
  });
});

it('says why a model cannot be loaded', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'broken-model-'));
  const file = join(folder, 'model.onnx');
  writeFileSync(file, 'this is no model');
  await expect(open({}, file).infer('text', 'query', never)).rejects.toMatchObject({
    message: expect.stringContaining('The embedding model cannot be loaded'),
    retryable: false,
  });
  await rm(folder, { recursive: true });
});

it('keeps no program from ending, neither idle nor by force in the middle of a run', async () => {
  const script = `
    import { LocalEmbedder } from '${new URL('./local.embedder.ts', import.meta.url).href}';
    const embedder = new LocalEmbedder(${JSON.stringify(BUILT_IN_MODEL_DIR)});
    await embedder.embed(['warm'], 'query', AbortSignal.timeout(60_000));
    if (process.argv[1] === 'busy') {
      embedder.embed([${JSON.stringify(LONG)}], 'passage', AbortSignal.timeout(60_000));
      setTimeout(() => process.exit(7), 5);
    }`;
  const codeOf = async (...args: string[]): Promise<unknown> => {
    const [code] = await once(spawn(process.execPath, ['--input-type=module', '-e', script, ...args]), 'exit');
    return code;
  };
  expect(await codeOf()).toBe(0);
  expect(await codeOf('busy')).toBe(7);
}, 120_000);
