import { afterAll, expect, it } from '@jest/globals';
import { LocalEmbedder } from './local.embedder.ts';
import { BUILT_IN_MODEL_DIR } from './model-folder.ts';

const embedder = new LocalEmbedder(BUILT_IN_MODEL_DIR);
const signal = (): AbortSignal => AbortSignal.timeout(20_000);
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);

afterAll(() => embedder.close());

it('brings a question nearest to the passage that answers it', async () => {
  const passages = await embedder.embed(
    [
      'Water boils at a lower temperature on high mountains because the air pressure is lower there.',
      'The committee meets on the first Monday of each month in the town hall.',
      'To replace the filter, open the hatch on the left side and pull the cartridge out.',
    ],
    'passage',
    signal(),
  );
  const [question] = await embedder.embed(['how do I change the cartridge?'], 'query', signal());
  const scores = passages.map((passage) => dot(passage, question ?? new Float32Array()));
  expect(scores.indexOf(Math.max(...scores))).toBe(2);
});

it('answers unit vectors, the same each time', async () => {
  const again = new LocalEmbedder(BUILT_IN_MODEL_DIR);
  const [one] = await embedder.embed(['the same text'], 'passage', signal());
  const [two] = await again.embed(['the same text'], 'passage', signal());
  await again.close();
  expect(one).toEqual(two);
  expect(dot(one ?? new Float32Array(), one ?? new Float32Array())).toBeCloseTo(1, 5);
});

it('embeds a text longer than the model window', async () => {
  const [vector] = await embedder.embed(['many words '.repeat(2000)], 'passage', signal());
  expect(vector).toHaveLength(384);
});

it('rejects once it is closed', async () => {
  const closed = new LocalEmbedder(BUILT_IN_MODEL_DIR);
  await closed.close();
  await expect(closed.embed(['text'], 'query', signal())).rejects.toMatchObject({
    name: 'EmbedderError',
    retryable: false,
  });
});
