import { readFile } from 'node:fs/promises';
import { Tokenizer } from '@huggingface/tokenizers';
import ort from 'onnxruntime-node';
import type { Pooling } from './model-folder.ts';
import type { InferenceOptions } from './protocol.ts';

/** Embeds one text. */
export type Infer = (text: string) => Promise<Float32Array>;

/**
 * How threads wait for each other between the steps of a run. By default they spin for long, also after the run: on
 * processors that others use, too, a run then takes 3–5 times as long (335–700 ms instead of 140). Not to spin at all costs
 * a quarter on free ones; 50 µs cost nothing there.
 */
const WAITING = { force_spinning_stop: '1', intra_op: { spin_duration_us: '50' } };

/** Loads tokenizer and model. One sequence a run is fastest on CPUs: a batch would pad every text to the longest. */
export async function openModel(options: InferenceOptions): Promise<Infer> {
  const tokenizer = new Tokenizer(JSON.parse(await readFile(options.tokenizerFile, 'utf8')), {});
  const session = await ort.InferenceSession.create(options.modelFile, {
    intraOpNumThreads: options.threads,
    extra: { session: WAITING },
    logSeverityLevel: 3,
  });
  const output = session.outputNames.includes('last_hidden_state') ? 'last_hidden_state' : session.outputNames[0];
  if (output === undefined) throw new Error('the model has no output');

  return async (text) => {
    const ids = truncate(tokenizer.encode(text).ids, options.tokensMax);
    const inputs: Record<string, readonly number[]> = {
      input_ids: ids,
      attention_mask: ids.map(() => 1),
      token_type_ids: ids.map(() => 0),
    };
    const feeds = Object.fromEntries(session.inputNames.map((name) => [name, row(name, inputs[name])]));
    const states = (await session.run(feeds))[output];
    const width = states?.dims[2];
    if (!(states?.data instanceof Float32Array) || width === undefined) {
      throw new Error(`the model's output ${output} is not batch × tokens × dimension of float32`);
    }
    return normalised(pool(states.data, width, options.pooling));
  };
}

/** Cuts to the model's window but keeps the closing token, which the model was trained to see. */
export function truncate(ids: readonly number[], tokensMax: number): readonly number[] {
  return ids.length <= tokensMax ? ids : [...ids.slice(0, tokensMax - 1), ...ids.slice(-1)];
}

/** One vector from `states`, which holds `width` numbers a token. */
export function pool(states: Float32Array, width: number, pooling: Pooling): Float32Array {
  if (pooling === 'cls') return states.slice(0, width);
  const mean = new Float32Array(width);
  // The sum serves as well as the mean: the length is normalised away.
  for (let start = 0; start < states.length; start += width) {
    for (let i = 0; i < width; i++) mean[i] = (mean[i] ?? 0) + (states[start + i] ?? 0);
  }
  return mean;
}

function normalised(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  if (!(length > 0)) throw new Error('the model answered a vector without direction');
  return vector.map((x) => x / length);
}

function row(name: string, values: readonly number[] | undefined): ort.Tensor {
  if (values === undefined) throw new Error(`the model asks for an unknown input ${name}`);
  return new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
}
