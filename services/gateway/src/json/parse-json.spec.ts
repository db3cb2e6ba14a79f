import { describe, expect, it } from '@jest/globals';
import { DomainError } from '@morag/errors';
import fc from 'fast-check';
import { parseJson } from './parse-json.ts';
import { scanJson } from './scan-json.ts';

function failureOf(text: string | Buffer): DomainError {
  try {
    parseJson(Buffer.from(text as string));
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseJson', () => {
  it('reads whatever JSON.stringify writes', () => {
    // A depth of 8 keeps clear of the bound; the name is refused on purpose.
    const value = fc.jsonValue({ maxDepth: 8 }).filter((json) => !JSON.stringify(json).includes('__proto__'));
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (json, indent) => {
        const text = JSON.stringify(json, undefined, indent);
        expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('finds a name that stands twice, at any depth and however it is written', () => {
    for (const text of [
      '{"a":1,"a":2}',
      '{"a":{"b":1,"c":[{"x":1,"x":2}]}}',
      '{"a":1,"\\u0061":2}',
      '{"\\\\":1,"\\\\":2}',
      '{ "a" : 1 , "b" : "\\"a\\":" , "a" : 1 }',
    ]) {
      expect(failureOf(text).message).toMatch(/^The name ".*" stands twice in one object\. \(line 1, column \d+\)$/);
    }
  });

  it('does not mistake texts for names', () => {
    const json = { a: '":', b: '\\', c: 'a":1,"a":2', d: ['a', 'a'], e: { a: 1 } };
    expect(parseJson(Buffer.from(JSON.stringify(json)))).toEqual(json);
  });

  it.each([
    ['', 'ends in the middle of its JSON. (line 1, column 1)'],
    ['{"a":', 'ends in the middle of its JSON. (line 1, column 6)'],
    ['{"a":1,}', '(line 1, column 8)'],
    ['{\n  "a": 01\n}', '(line 2, column 9)'],
    ['[1,]', '(line 1, column 4)'],
    ['{"a" 1}', '(line 1, column 6)'],
    ['{a:1}', '(line 1, column 2)'],
    ['{"a":NaN}', '(line 1, column 6)'],
    ['{"a":"\u0001"}', '(line 1, column 6)'],
    ['{}{}', '(line 1, column 3)'],
    ['{"a":"unfinished', '(line 1, column 6)'],
    ["{'a':1}", '(line 1, column 2)'],
    ['\ufeff{}', '(line 1, column 1)'],
  ])('names the place of the mistake in %j', (text, place) => {
    const { reason, message } = failureOf(text);
    expect({ reason, message }).toEqual({ reason: 'MALFORMED_BODY', message: expect.stringContaining(place) });
  });

  it('never quotes the body', () => {
    const { message, metadata } = failureOf('{"password":"hunter2", oops}');
    expect(JSON.stringify({ message, metadata })).not.toContain('hunter2');
  });

  it.each([
    ['{"a":{"b":["\\ud800"]}}', 'a.b[0]', 'holds an unpaired surrogate'],
    ['{"\\udc00":1}', '', 'has a name with an unpaired surrogate'],
    ['{"a":1e999}', 'a', 'is a number out of range'],
    ['[1,2,-1e999]', '[2]', 'is a number out of range'],
    ['{"a":{"__proto__":{"isAdmin":true}}}', 'a.__proto__', 'is not a name that can be used'],
  ])('refuses %s', (text, field, description) => {
    expect(failureOf(text)).toMatchObject({ reason: 'MALFORMED_BODY', violations: [{ field, description }] });
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(failureOf(Buffer.from([0x22, 0xc3, 0x22])).message).toBe('The body is not UTF-8.');
    expect(failureOf(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])).message).toBe('The body is not UTF-8.');
  });

  it('bounds the depth, also of a body that is nothing but depth', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseJson(Buffer.from(nested(32)))).toBeInstanceOf(Array);
    expect(failureOf(nested(33)).violations[0]?.description).toBe('is nested deeper than 32 levels');
    expect(failureOf(nested(1_000_000)).violations[0]?.description).toBe('is nested deeper than 32 levels');
  });

  it('keeps its stack on a long body with a mistake at its end', () => {
    expect(failureOf(`{"a":"${'\\n'.repeat(3_000_000)}",}`).reason).toBe('MALFORMED_BODY');
    expect(failureOf(`{"a":"${'x'.repeat(6_000_000)}",}`).reason).toBe('MALFORMED_BODY');
    expect(failureOf(`${'['.repeat(1_000_000)}`).reason).toBe('MALFORMED_BODY');
  });
});

describe('scanJson', () => {
  it('agrees with the native parser on what is JSON', () => {
    const text = fc.array(fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"b"', '1', 'true', ' ', '-', '"'));
    const isNative = (json: string): boolean => {
      try {
        JSON.parse(json);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(text, (parts) => {
        const json = parts.join('');
        const fault = scanJson(json);
        expect(fault === undefined || fault.problem.includes('stands twice')).toBe(isNative(json));
      }),
      { numRuns: 2_000 },
    );
  });
});
