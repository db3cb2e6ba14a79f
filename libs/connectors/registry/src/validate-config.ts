import type { CommonOptions } from '@morag/connectors-core';
import type { z } from 'zod';
import { loadVendor, type ServerType } from './vendors.ts';

/** One mistake in a configuration; `field` is the path from `config` on. */
export interface ConfigViolation {
  readonly field: string;
  readonly description: string;
}

/** Typing errors up to this many letters are taken for a known name. */
const DISTANCE_MAX = 3;

/** All mistakes in `config`; rejects with `TypeNotAvailable`. */
export async function validateConfig(
  type: ServerType,
  config: Readonly<Record<string, unknown>>,
): Promise<readonly ConfigViolation[]> {
  const { options } = await loadVendor(type);
  const { error } = options.safeParse(config);
  return error ? violationsOf(options, error) : [];
}

/** All mistakes that a schema found, at least one. An unknown option is named with the known one that is nearest. */
export function violationsOf(options: z.ZodType<CommonOptions>, error: z.ZodError): readonly ConfigViolation[] {
  return error.issues.flatMap((issue) => {
    const field = ['config', ...issue.path.map(String)].join('.');
    if (issue.code !== 'unrecognized_keys') return [{ field, description: issue.message }];
    const known = knownNames(options, issue.path.map(String));
    return issue.keys.map((key) => ({ field: `${field}.${key}`, description: unknownOption(key, known) }));
  });
}

function unknownOption(key: string, known: readonly string[]): string {
  const [best] = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .filter(({ distance }) => distance <= DISTANCE_MAX)
    .sort((a, b) => a.distance - b.distance);
  return best ? `unknown option; did you mean "${best.name}"?` : `unknown option; known are ${known.join(', ')}`;
}

/** The names of the object at a path of the schema, through defaults and refinements. */
function knownNames(schema: unknown, path: readonly string[]): readonly string[] {
  let current = schema;
  for (const part of [...path, undefined]) {
    while (isObject(current) && !('shape' in current) && isObject(current.def) && 'innerType' in current.def) {
      current = current.def.innerType;
    }
    if (!isObject(current) || !isObject(current.shape)) return [];
    if (part === undefined) return Object.keys(current.shape);
    current = current.shape[part];
  }
  return [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Letters to insert, delete or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, replaced));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
