import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { commonOptions } from '@morag/connectors-core';
import { z } from 'zod';
import { pineconeOptions } from './pinecone.options.ts';

const page = readFileSync(new URL('../../../../docs/connectors/pinecone.md', import.meta.url), 'utf8');
const { properties = {} } = z.toJSONSchema(pineconeOptions, { io: 'input' });
const own = Object.entries(properties).filter(([name]) => !(name in commonOptions));

describe('pineconeOptions', () => {
  it.each(own)('%s stands on the page of the vendor, with its default', (name, schema) => {
    const row = page.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${name}\``)) ?? '';
    const { default: value } = schema as { default?: unknown };
    expect(row).toContain(`\`${typeof value === 'string' ? value : JSON.stringify(value)}\``);
  });

  it.each([
    { namespace: '' },
    { namespace: 'ä' },
    { cloud: 'other' },
    { region: 'us east' },
    { indexDomains: ['io'] },
    { indexDomains: ['*.pinecone.io'] },
    { consistency: 'strong' },
    { unknown: 1 },
  ])('refuses %j', (config) => {
    expect(pineconeOptions.safeParse(config).success).toBe(false);
  });
});
