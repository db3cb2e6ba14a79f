import assert from 'node:assert/strict';
import { type Filter, type Metadata, type Operator, parseFilter, type VectorConnector } from '@morag/connectors-core';
import { type CaseContext, type ConformanceCase, rejects } from '../conformance-case.ts';
import { matching, records } from '../data.ts';
import { runFilterProperty } from '../properties/filter.property.ts';

const METADATA: readonly Metadata[] = [
  { s: 'a', i: 1, f: 0.5, b: true, tags: ['x', 'y'] },
  { s: 'b', i: 2, f: 2.5, b: false, tags: ['y'] },
  { s: 'c', i: 3, f: -1.25, b: true, tags: [] },
  { s: '3', i: -3, f: 3, b: false },
  { s: 'A', i: 0 },
  { i: 'two', s: 2, f: true, b: 'true' },
  { s: 'é', f: 2.0000001 },
  {},
];

interface Loaded {
  readonly connector: VectorConnector;
  readonly name: string;
  check(filter: Filter): Promise<void>;
}

/** A collection of these objects, and a check that a filter gives what the oracle says, in count, scan and query. */
async function load({ connector, collection }: CaseContext, metadata: readonly Metadata[]): Promise<Loaded> {
  const name = await collection();
  const all = records(metadata.length, 4, (index) => metadata[index] ?? {});
  await connector.upsert(name, all);
  return {
    connector,
    name,
    async check(filter) {
      const expected = matching(all, filter);
      const text = JSON.stringify(filter);
      assert.equal(await connector.count(name, filter), expected.length, text);
      const page = await connector.scan(name, { pageSize: 1_000, filter });
      assert.deepEqual(page.records.map(({ id }) => id).sort(), expected, text);
      const hits = await connector.query(name, { vector: [1, 1, 1, 1], topK: all.length, filter });
      assert.deepEqual(hits.map(({ id }) => id).sort(), expected, text);
    },
  };
}

const condition = (field: string, op: Operator, value: unknown) => ({ field, op, value }) as Filter;

export const FILTER_CASES: readonly ConformanceCase[] = [
  {
    id: 37,
    title: 'each operator on strings, integers, floats, booleans and missing keys',
    async run(context) {
      const { check } = await load(context, METADATA);
      for (const [field, values] of Object.entries({
        s: ['b', 'A'],
        i: [2, -3],
        f: [2.5, 3],
        b: [true],
        gone: ['x'],
      })) {
        for (const value of values) {
          for (const op of ['eq', 'ne'] as const) await check(condition(field, op, value));
          for (const op of ['in', 'nin'] as const) await check(condition(field, op, [value, 'zz']));
          if (typeof value === 'boolean') continue;
          for (const op of ['gt', 'gte', 'lt', 'lte'] as const) await check(condition(field, op, value));
        }
        for (const value of [true, false]) await check(condition(field, 'exists', value));
      }
    },
  },
  {
    id: 38,
    title: 'lists of integers, floats, strings and booleans together',
    async run(context) {
      const { check } = await load(context, METADATA);
      for (const list of [
        [2, 2.5],
        [2.5, 2],
        [1, '3', true],
        [0.5, -1.25, 3],
        ['a', 2],
      ]) {
        for (const field of ['s', 'i', 'f', 'b']) {
          await check(condition(field, 'in', list));
          await check(condition(field, 'nin', list));
        }
      }
    },
  },
  {
    id: 39,
    title: 'ne, nin and not match records without the key',
    async run(context) {
      const { check, connector, name } = await load(context, [{ k: 1 }, { other: 1 }, {}]);
      assert.equal(await connector.count(name, condition('k', 'ne', 1)), 2);
      for (const filter of [condition('k', 'ne', 1), condition('k', 'nin', [1, 2]), { not: condition('k', 'eq', 1) }])
        await check(filter);
      for (const op of ['gt', 'lte'] as const) await check({ not: condition('k', op, 0) });
    },
  },
  {
    id: 40,
    title: 'a range never matches a value of another type, nor a fraction of an integer',
    async run(context) {
      const { check } = await load(context, [
        { k: 5 },
        { k: '5' },
        { k: true },
        { k: ['5', 5] },
        { k: 2.5 },
        { k: 2 },
        { k: -2 },
        {},
      ]);
      for (const value of [5, '5', 2, 2.5, 2.4999, -2.5, -1.5, 0, '']) {
        for (const op of ['gt', 'gte', 'lt', 'lte'] as const) {
          await check(condition('k', op, value));
          await check({ not: condition('k', op, value) });
        }
        await check(condition('k', 'eq', value));
        await check(condition('k', 'ne', value));
      }
    },
  },
  {
    id: 41,
    title: 'and, or and not to depth five',
    async run(context) {
      const { check } = await load(context, METADATA);
      const deep: Filter = {
        or: [
          {
            and: [condition('i', 'gte', 1), { not: { or: [condition('s', 'eq', 'b'), condition('tags', 'eq', 'x')] } }],
          },
          {
            not: {
              and: [
                condition('b', 'exists', true),
                { or: [condition('f', 'lt', 3), { not: condition('i', 'gt', 0) }] },
              ],
            },
          },
        ],
      };
      await check(deep);
      await check({ not: deep });
      await check({ and: [deep, { not: condition('s', 'in', ['é', 'A']) }] });
    },
  },
  {
    id: 42,
    title: 'empty lists and groups: in and or match nothing, nin and and everything',
    async run(context) {
      const { check } = await load(context, METADATA);
      const empties: Filter[] = [condition('s', 'in', []), condition('s', 'nin', []), { and: [] }, { or: [] }];
      for (const filter of empties) {
        await check(filter);
        await check({ not: filter });
        await check({ and: [filter, condition('i', 'gt', 0)] });
        await check({ or: [filter, condition('i', 'gt', 0)] });
      }
    },
  },
  {
    id: 43,
    title: 'a malformed filter never gets to the server',
    async run() {
      for (const bad of [
        {},
        { field: 'a', op: 'LIKE', value: 'x' },
        { and: {} },
        { field: 'a', op: 'gt', value: true },
      ]) {
        assert.throws(() => parseFilter(bad), { name: 'FilterError' });
      }
    },
  },
  {
    id: 45,
    title: 'quotes, wildcards and injected queries are literal text',
    async run(context) {
      const texts = [
        `a'b`,
        'a"b',
        'a\\b',
        '%',
        '_',
        'a%',
        `' OR 1=1 --`,
        `'); DROP TABLE x; --`,
        '${1}',
        '{{x}}',
        '"}]}',
        '`x`',
        '\\u0041',
        'A',
      ];
      const { check, connector, name } = await load(
        context,
        texts.map((k) => ({ k, [`key ${k}`]: k })),
      );
      for (const text of texts) {
        assert.equal(await connector.count(name, condition('k', 'eq', text)), 1, text);
        await check(condition('k', 'ne', text));
        await check(condition('k', 'gte', text));
        assert.equal(await connector.count(name, condition(`key ${text}`, 'in', [text, 'other'])), 1, text);
      }
      for (const field of [`x' OR '1'='1`, 'x") OR true --', '$where', '_vk_meta', '__proto__']) {
        await check(condition(field, 'eq', 'a'));
        await check(condition(field, 'exists', false));
      }
    },
  },
  {
    id: 46,
    title: 'eq and in on an array match any element',
    async run(context) {
      const { check } = await load(context, [
        { t: ['a', 'b'] },
        { t: 'a' },
        { t: [] },
        { t: [1, 2.5] },
        { t: [true, 'b'] },
        { t: [['a']] },
        {},
      ]);
      for (const value of ['a', 'b', 1, 2.5, true]) {
        await check(condition('t', 'eq', value));
        await check(condition('t', 'ne', value));
      }
      await check(condition('t', 'in', ['b', 'zz']));
      await check(condition('t', 'nin', ['b', 'zz']));
      const many = Array.from({ length: 100 }, (_, index) => `m${index}`);
      await check(condition('t', 'in', [...many, 'b']));
      await check(condition('t', 'nin', [...many, 'b']));
      for (const value of [true, false]) await check(condition('t', 'exists', value));
    },
  },
  {
    id: 61,
    title: 'random filters give what the oracle says',
    run: (context) => runFilterProperty(context),
  },
  {
    id: 62,
    title: 'an upsert to a missing collection, an unknown operation target and bad page sizes are refused',
    async run({ connector, collection, name }) {
      await rejects(connector.upsert(name(), records(1, 4)), 'not_found');
      const present = await collection();
      for (const pageSize of [0, -1, 1.5, 10_001])
        await rejects(connector.scan(present, { pageSize }), 'invalid_argument');
    },
  },
];
