import { describe, expect, it } from '@jest/globals';
import { createEgress } from '@morag/egress';
import { createConnector } from './create-connector.ts';
import { describeTypes } from './describe-types.ts';
import { validateConfig } from './validate-config.ts';
import { SERVER_TYPES, type ServerType, TypeNotAvailable } from './vendors.ts';

/** As of a later version's registration. */
const UNKNOWN = 'ORACLE' as ServerType;

describe('validateConfig', () => {
  it('takes no options and valid options', async () => {
    expect(await validateConfig('CHROMA', {})).toEqual([]);
    expect(await validateConfig('PGVECTOR', { schema: 'vectors', hnsw: { m: 8 } })).toEqual([]);
  });

  it('names every mistake, and the nearest known option', async () => {
    expect(await validateConfig('CHROMA', { tennant: 'x', hnsw: { efsearch: 3 }, timeoutMs: 'soon' })).toEqual(
      expect.arrayContaining([
        { field: 'config.tennant', description: 'unknown option; did you mean "tenant"?' },
        { field: 'config.hnsw.efsearch', description: 'unknown option; did you mean "efSearch"?' },
        { field: 'config.timeoutMs', description: expect.stringContaining('number') },
      ]),
    );
  });

  it('lists the known options when none is near', async () => {
    const [violation] = await validateConfig('PGVECTOR', { replicationFactor: 3 });
    expect(violation?.description).toMatch(/^unknown option; known are timeoutMs, .*schema/);
  });

  it('refuses a type without a connector, and a connector with a wrong option', async () => {
    await expect(validateConfig(UNKNOWN, {})).rejects.toThrow(TypeNotAvailable);
    const server = { type: 'CHROMA', host: 'localhost', port: 1, tls: 'DISABLED', config: { x: 1 } } as const;
    const egress = createEgress({ allow: [], embedded: true });
    await expect(createConnector(server, { egress })).rejects.toMatchObject({ category: 'invalid_argument' });
    await expect(createConnector({ ...server, type: UNKNOWN }, { egress })).rejects.toThrow(TypeNotAvailable);
  });
});

describe('describeTypes', () => {
  it('lists all six, each with its connector', async () => {
    const types = await describeTypes();
    expect(types.map(({ type }) => type)).toEqual([...SERVER_TYPES]);
    expect(types.filter(({ available }) => !available)).toEqual([]);
  });

  it.each(SERVER_TYPES)(
    'gives a form all that it needs for %s: options with descriptions and defaults, capabilities, a port',
    async (type) => {
      const found = (await describeTypes()).find((each) => each.type === type);
      const schema: Schema = found?.configSchema ?? {};
      const options = optionsIn(schema);
      expect(options.length).toBeGreaterThan(4);
      for (const [name, option] of options) expect([name, option.description]).toEqual([name, expect.any(String)]);
      const { properties = {}, required = [] } = schema;
      expect(required).toEqual([]);
      expect(properties.timeoutMs).toMatchObject({ default: 30_000, minimum: 100, maximum: 600_000 });
      expect(schema.additionalProperties).toBe(false);
      expect(found?.capabilities).toMatchObject({ hybrid: expect.stringMatching(/^(?:native|fused|none)$/) });
      expect(found?.defaultPort).toBeGreaterThan(0);
    },
  );
});

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
}

/** Every option with its full name, groups too. */
function optionsIn(schema: Schema, prefix = ''): readonly (readonly [string, Schema])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => [
    [prefix + name, inner] as const,
    ...optionsIn(inner, `${prefix}${name}.`),
  ]);
}
