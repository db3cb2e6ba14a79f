import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { commonOptions } from '@morag/connectors-core';
import { z } from 'zod';
import { qdrantOptions } from './qdrant.options.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly default?: unknown;
}

const page = readFileSync(new URL('../../../../docs/connectors/qdrant.md', import.meta.url), 'utf8');

/** Every option that can be set, by its full name. */
function optionsIn(schema: Schema, prefix = ''): [string, Schema][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]): [string, Schema][] =>
    inner.properties ? optionsIn(inner, `${prefix}${name}.`) : [[prefix + name, inner]],
  );
}

const own = optionsIn(z.toJSONSchema(qdrantOptions, { io: 'input' }) as Schema).filter(
  ([name]) => !Object.hasOwn(commonOptions, name),
);

describe('qdrantOptions', () => {
  it.each(own)('%s stands on the page of the vendor, with its default', (name, { default: value }) => {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\``)) ?? '';
    expect(row).toContain(value === undefined || value === '' ? `\`${name}\`` : String(value));
  });

  it.each([
    { prefix: 'vectors' },
    { prefix: '/vectors/' },
    { prefix: '/../admin' },
    { readConsistency: 'most' },
    { writeOrdering: 'any' },
    { hnsw: { m: 1 } },
    { hnsw: { ef: 100 } },
    { quantization: 'product' },
    { shards: 0 },
    { unknown: 1 },
  ])('refuses %j', (config) => {
    expect(qdrantOptions.safeParse(config).success).toBe(false);
  });
});
