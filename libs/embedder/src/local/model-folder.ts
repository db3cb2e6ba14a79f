import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EmbedderError } from '../embedder.error.ts';

/** How one vector comes out of the states of all tokens. */
export type Pooling = 'cls' | 'mean';

/** An ONNX sentence model on disk, as its `model.json` describes it (the fields: `model/README.md`). */
export interface ModelFolder {
  readonly modelFile: string;
  readonly tokenizerFile: string;
  readonly name: string;
  readonly dimension: number;
  readonly pooling: Pooling;
  readonly queryPrefix: string;
  readonly passagePrefix: string;
  readonly tokensMax: number;
  readonly vectorWeight: number;
  readonly languages: readonly string[] | undefined;
}

/** The model that is part of the product. */
export const BUILT_IN_MODEL_DIR = fileURLToPath(new URL('../../model', import.meta.url));

/** A model that nobody measured starts at an equal share of both legs. */
const VECTOR_WEIGHT_UNMEASURED = 0.5;
const TOKENS_MAX_DEFAULT = 512;

/** Reads and checks a model folder; whatever is wrong with it is one `EmbedderError` that names the folder. */
export function readModelFolder(folder: string): ModelFolder {
  const fail = (what: string, cause?: unknown): never => {
    throw new EmbedderError(`The model folder ${folder} ${what}.`, { retryable: false, cause });
  };
  const files = attempt(
    () => readdirSync(folder),
    (cause) => fail('cannot be read', cause),
  );
  const modelFile = files.filter((file) => /^model.*\.onnx$/.test(file)).sort()[0] ?? fail('holds no model*.onnx');
  if (!files.includes('tokenizer.json')) fail('holds no tokenizer.json');
  const json: unknown = attempt(
    () => JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')),
    (cause) => fail('holds no readable model.json', cause),
  );
  if (typeof json !== 'object' || json === null) return fail('has a model.json that is not an object');
  const field = reader(json as Record<string, unknown>, (name, rule) =>
    fail(`has a model.json whose ${name} is not ${rule}`),
  );
  return {
    modelFile: join(folder, modelFile),
    tokenizerFile: join(folder, 'tokenizer.json'),
    name: field('name', isText, 'a text'),
    dimension: field('dimension', isCount, 'a positive integer'),
    pooling: field('pooling', isPooling, '"cls" or "mean"'),
    queryPrefix: field('queryPrefix', isString, 'a text', ''),
    passagePrefix: field('passagePrefix', isString, 'a text', ''),
    tokensMax: field('tokensMax', isCount, 'a positive integer', TOKENS_MAX_DEFAULT),
    vectorWeight: field('vectorWeight', isShare, 'a number from 0 to 1', VECTOR_WEIGHT_UNMEASURED),
    languages: field('languages', isOptionalTexts, 'a list of texts', undefined),
  };
}

function reader(json: Record<string, unknown>, fail: (name: string, rule: string) => never) {
  return <T>(name: string, is: (value: unknown) => value is T, rule: string, ...fallback: [T?]): T => {
    const value = json[name];
    if (value === undefined && fallback.length > 0) return fallback[0] as T;
    return is(value) ? value : fail(name, rule);
  };
}

const isString = (value: unknown): value is string => typeof value === 'string';
const isText = (value: unknown): value is string => isString(value) && value !== '';
const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;
const isShare = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;
const isPooling = (value: unknown): value is Pooling => value === 'cls' || value === 'mean';
const isOptionalTexts = (value: unknown): value is readonly string[] | undefined =>
  value === undefined || (Array.isArray(value) && value.every(isText));

function attempt<T>(run: () => T, failed: (cause: unknown) => never): T {
  try {
    return run();
  } catch (cause) {
    return failed(cause);
  }
}
