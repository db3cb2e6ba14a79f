import { type JsonValue, type Message, toJson } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { DomainError } from '@morag/errors';
import type { Binding } from '../routing/binding.ts';
import { requireField } from '../routing/binding.ts';
import { everyType } from '../testing/every-type.ts';
import { createRequestReader, type RequestParts } from './request.ts';

const { method, message: every } = everyType();

/** `body` as in a rule: empty, `*`, or the name of a field. */
function binding(template: string, body: string, httpMethod = 'POST'): Binding {
  const rule: Binding['body'] =
    body === ''
      ? { kind: 'none' }
      : body === '*'
        ? { kind: 'all' }
        : { kind: 'field', field: requireField(every, body) };
  return { method, backend: 'servers', httpMethod, template, body: rule, responseField: undefined };
}

function reader(rule: Binding) {
  const read = createRequestReader(rule);
  return ({ body, ...parts }: Partial<Omit<RequestParts, 'body'>> & { body?: JsonValue }) =>
    read({
      path: [],
      query: '',
      headers: {},
      body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
      ...parts,
    });
}

function json(message: Message): JsonValue {
  return toJson(every, message);
}

function violationsOf(run: () => unknown): readonly { field: string; description: string }[] {
  try {
    run();
  } catch (error) {
    if (error instanceof DomainError && error.reason === 'INVALID_ARGUMENT') return error.violations;
    throw error;
  }
  return [];
}

describe('a query', () => {
  const read = reader(binding('/v1/things', '', 'GET'));

  it('holds every scalar, enums, lists, times, masks and nested fields', () => {
    const query = [
      'aDouble=1.5&aFloat=-2e1&anInt32=-7&aUint32=4294967295&anInt64=9007199254740993&aUint64=18446744073709551615',
      'aBool=true&aString=a%20b%2Bc+d&aBytes=AQID&anEnum=RED&optionalInt32=0',
      'strings=x&strings=&strings=y&int64s=1&int64s=2&enums=RED&enums=2',
      'timestamp=2026-01-31T08:00:00Z&duration=1.5s&fieldMask=aString,child.anInt32',
      'child.aString=inner&child.child.anInt32=3&left=l',
    ].join('&');
    expect(json(read({ query }))).toEqual({
      aDouble: 1.5,
      aFloat: -20,
      anInt32: -7,
      aUint32: 4294967295,
      anInt64: '9007199254740993',
      aUint64: '18446744073709551615',
      aBool: true,
      aString: 'a b+c d',
      aBytes: 'AQID',
      anEnum: 'RED',
      optionalInt32: 0,
      strings: ['x', '', 'y'],
      int64s: ['1', '2'],
      enums: ['RED', 'GREEN'],
      timestamp: '2026-01-31T08:00:00Z',
      duration: '1.500s',
      fieldMask: 'aString,child.anInt32',
      child: { aString: 'inner', child: { anInt32: 3 } },
      left: 'l',
    });
  });

  it('takes the names of the proto, and nothing as an empty text', () => {
    expect(json(read({ query: 'a_string=x&child.an_int32=1' }))).toEqual({ aString: 'x', child: { anInt32: 1 } });
    expect(json(read({ query: 'left&&strings' }))).toEqual({ left: '', strings: [''] });
  });

  it.each([
    ['nothing=1', 'nothing', 'is not a known query parameter'],
    ['child=1', 'child', 'is not a known query parameter'],
    ['child.nothing=1', 'child.nothing', 'is not a known query parameter'],
    ['children.aString=1', 'children.aString', 'is not a known query parameter'],
    ['struct=%7B%7D', 'struct', 'is not a known query parameter'],
    ['byName=1', 'byName', 'is not a known query parameter'],
    ['__proto__=1', '__proto__', 'is not a known query parameter'],
    ['constructor.prototype=1', 'constructor.prototype', 'is not a known query parameter'],
    ['anInt32=1&anInt32=1', 'anInt32', 'is given twice'],
    ['anInt32=1&an_int32=2', 'anInt32', 'is given twice'],
    ['anInt32=', 'anInt32', 'must be a whole number'],
    ['aBool=1', 'aBool', 'must be true or false'],
    ['anEnum=PURPLE', 'anEnum', 'must be one of RED, GREEN'],
    ['timestamp=yesterday', 'timestamp', 'must be a time'],
    ['left=a&right=1', 'right', 'cannot be given together with left'],
  ])('%s is refused', (query, field, description) => {
    expect(violationsOf(() => read({ query }))).toEqual([{ field, description: expect.stringContaining(description) }]);
  });

  it.each(['aString=%zz', 'aString=%', 'aString=%C3', '%ED%A0%80=1'])('%s is refused for its encoding', (query) => {
    expect(() => read({ query })).toThrow('The query of the URL is not valid.');
  });

  it('comes without a body', () => {
    expect(violationsOf(() => read({ body: { aString: 'x' } }))).toEqual([{ field: '', description: 'must be empty' }]);
  });
});

describe('a path', () => {
  it('sets its fields, those of nested messages too', () => {
    const read = reader(binding('/v1/{a_string}/{child.an_int64}', '', 'GET'));
    expect(json(read({ path: ['x/y', '9007199254740993'] }))).toEqual({
      aString: 'x/y',
      child: { anInt64: '9007199254740993' },
    });
    expect(violationsOf(() => read({ path: ['x', 'y'] }))[0]?.field).toBe('child.anInt64');
  });

  it('is not repeated in the query', () => {
    const read = reader(binding('/v1/{a_string}', '', 'GET'));
    expect(violationsOf(() => read({ path: ['x'], query: 'aString=x' }))).toEqual([
      { field: 'aString', description: 'is given by the path, not by the query' },
    ]);
  });

  it('may be repeated in the body, but not contradicted', () => {
    const read = reader(binding('/v1/{a_string}', '*'));
    expect(json(read({ path: ['x'], body: { aString: 'x', anInt32: 1 } }))).toEqual({ aString: 'x', anInt32: 1 });
    expect(violationsOf(() => read({ path: ['x'], body: { aString: 'y' } }))).toEqual([
      { field: 'aString', description: 'in the body differs from the path' },
    ]);
  });

  it('must name a field that it can hold, which is found out at the start', () => {
    expect(() => reader(binding('/v1/{nothing}', ''))).toThrow('{nothing} is no field of test.Every');
    expect(() => reader(binding('/v1/{strings}', ''))).toThrow('{strings}');
    expect(() => reader(binding('/v1/{struct}', ''))).toThrow('{struct}');
  });
});

describe('a body', () => {
  it('is the whole message but for the path', () => {
    const read = reader(binding('/v1/things', '*'));
    expect(json(read({ body: { anInt32: 1, struct: { a: 1 } } }))).toEqual({ anInt32: 1, struct: { a: 1 } });
    expect(json(read({}))).toEqual({});
    expect(violationsOf(() => read({ body: {}, query: 'anInt32=1' }))).toEqual([
      { field: 'anInt32', description: 'is given by the body, not by the query' },
    ]);
    expect(violationsOf(() => read({ body: [] }))).toEqual([{ field: '', description: 'must be an object' }]);
  });

  it('is one field, beside which the query holds the others', () => {
    const read = reader(binding('/v1/things', 'child'));
    expect(json(read({ body: { aString: 'x' }, query: 'anInt32=1' }))).toEqual({ anInt32: 1, child: { aString: 'x' } });
    expect(violationsOf(() => read({ body: {}, query: 'child.aString=x' }))[0]?.description).toContain('by the body');
    expect(violationsOf(() => read({ body: { aString: 1 } }))[0]?.field).toBe('child.aString');
  });

  it('may be a list', () => {
    const read = reader(binding('/v1/things', 'floats'));
    expect(json(read({ body: [1, 2] }))).toEqual({ floats: [1, 2] });
  });
});
