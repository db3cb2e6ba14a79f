import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { commonOptions } from '@morag/connectors-core';
import { describeTypes, SERVER_TYPES } from '@morag/connectors-registry';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

const docs = (path: string) => fileURLToPath(new URL(`../../../docs/${path}`, import.meta.url));

/** Every option that can be set, by its full name. */
function optionsIn(schema: Schema, prefix = ''): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) =>
    inner.properties ? optionsIn(inner, `${prefix}${name}.`) : [prefix + name],
  );
}

const page = readFileSync(docs('connectors.md'), 'utf8');
const LINKS = [...page.matchAll(/\]\((connectors\/[^)]+)\)/g)].map(([, path]) => path);

it.each(SERVER_TYPES)('the page of %s is linked, and names every option but those of all vendors', async (type) => {
  const { configSchema } = (await describeTypes()).find((each) => each.type === type) ?? {};
  const name = `connectors/${type.toLowerCase()}.md`;
  expect(LINKS).toContain(name);
  const text = existsSync(docs(name)) ? readFileSync(docs(name), 'utf8') : '';
  const own = optionsIn(configSchema ?? {}).filter((option) => !Object.hasOwn(commonOptions, option));
  expect(own.filter((option) => !text.includes(`\`${option}\``))).toEqual([]);
});

it('the options of all vendors are named', () => {
  expect(Object.keys(commonOptions).filter((option) => !page.includes(`\`${option}\``))).toEqual([]);
});
