import { describe, expect, it } from '@jest/globals';
import { lastOfEachId, splitBatches } from './batches.ts';
import { decodeCursor, encodeCursor, isText, pagePosition } from './cursor.ts';
import { idProblem, uuidOfId } from './ids.ts';
import { METADATA_BYTES_MAX, metadataProblem, presentMetadata } from './metadata.ts';
import { type NameRules, nativeName } from './names.ts';
import { cleanText, createRedactor } from './redact.ts';
import { exactScore, scoreOfCosine } from './score.ts';
import { vectorProblem } from './vectors.ts';

describe('vectorProblem', () => {
  it.each<[string, number[], 'cosine' | 'euclidean', string]>([
    ['an empty vector', [], 'cosine', 'empty'],
    ['a wrong length', [1, 2], 'cosine', '2 dimensions, not 3'],
    ['NaN', [1, Number.NaN, 1], 'euclidean', 'position 1'],
    ['infinity', [1, 1, -Infinity], 'euclidean', 'position 2'],
    ['what overflows 32 bits', [1e39, 0, 0], 'euclidean', 'position 0'],
    ['a square that overflows 32 bits', [1e20, 0, 0], 'euclidean', 'too long'],
    ['zero', [0, -0, 0], 'cosine', 'all zero'],
    ['what is zero once squared in 32 bits', [1e-30, 0, 0], 'cosine', 'all zero'],
  ])('refuses %s', (_, vector, metric, problem) => {
    expect(vectorProblem(vector, 3, metric)).toContain(problem);
    expect(vectorProblem(Float64Array.from(vector) as unknown as number[], 3, metric)).toContain(problem);
  });

  it('takes zero where the metric has no direction', () => {
    expect(vectorProblem([0, 0, 0], 3, 'euclidean')).toBeUndefined();
    expect(vectorProblem(Float32Array.of(1, 2, 3), 3, 'cosine')).toBeUndefined();
  });

  it('refuses what is no number', () => {
    expect(vectorProblem(['1', 2, 3] as unknown as number[], 3, 'dot')).toContain('position 0');
  });
});

describe('metadataProblem', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['an empty key', { '': 1 }, 'empty'],
    ['an operator', { $eq: 1 }, '$'],
    ['a reserved key', { _vk_id: 1 }, 'reserved'],
    ['a prototype', JSON.parse('{"__proto__": 1}') as Record<string, unknown>, 'not allowed'],
    ['a long key', { ['k'.repeat(257)]: 1 }, '256'],
    ['NaN', { a: Number.NaN }, 'finite'],
    ['NUL', { a: { b: ['x\0'] } }, 'NUL'],
    ['a lone surrogate', { a: '\udc00' }, 'Unicode'],
    ['a function', { a: () => 1 }, 'not JSON'],
    ['a bigint', { a: [1n] }, 'not JSON'],
    ['too much', { a: 'x'.repeat(METADATA_BYTES_MAX) }, 'bytes'],
  ])('refuses %s', (_, metadata, problem) => {
    expect(metadataProblem(metadata as never)).toContain(problem);
  });

  it('takes any other JSON', () => {
    expect(metadataProblem({ 'a.b "c"': 'é', n: null, nested: { list: [1, 'x', { y: true }] } })).toBeUndefined();
    expect(metadataProblem({ a: 'x'.repeat(METADATA_BYTES_MAX - 20) })).toBeUndefined();
  });

  it('drops keys that count as absent', () => {
    const kept = { a: 1 };
    expect(presentMetadata({ a: 1, b: null })).toEqual(kept);
    expect(presentMetadata(kept)).toBe(kept);
  });
});

describe('ids', () => {
  it('knows the version 5 of anything but a canonical UUID', () => {
    const uuid = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
    expect(uuidOfId(uuid)).toBe(uuid);
    const made = [uuid.toUpperCase(), `{${uuid}}`, 'a', 'A', '42'].map(uuidOfId);
    expect(new Set(made).size).toBe(5);
    for (const id of made) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuidOfId('a')).toBe(uuidOfId('a'));
  });

  it.each(['', 'x\0', '\ud800', 'x'.repeat(513), 'é'.repeat(257), 7])('refuses %j', (id) => {
    expect(idProblem(id)).toMatch(/id/);
  });
});

describe('nativeName', () => {
  const rules: NameRules = { plain: /^[a-z0-9][a-z0-9._-]*[a-z0-9]$/, prefix: 'vk-', filler: '-', lengthMax: 63 };
  it.each(['Ärger mit Namen', 'UPPER', 'upper!', 'vk-taken', 'x'.repeat(200), '日本', '-', 'a'])(
    'makes a name for %s',
    (name) => {
      const made = nativeName(name, rules);
      expect(made).toMatch(/^vk-[a-z0-9-]*[a-z0-9]$/);
      expect(made.length).toBeLessThanOrEqual(63);
      expect(nativeName(name, rules)).toBe(made);
    },
  );

  it('keeps names that are valid, and similar names apart', () => {
    expect(nativeName('documents.v1', rules)).toBe('documents.v1');
    expect(nativeName('Documents', rules)).not.toBe(nativeName('DOCUMENTS', rules));
  });
});

describe('splitBatches', () => {
  const split = (sizes: number[], recordsMax: number, bytesMax: number) => [
    ...splitBatches(sizes, { recordsMax, bytesMax }, (size) => size),
  ];
  it('keeps both limits and loses nothing', () => {
    expect(split([1, 1, 1, 1, 1], 2, 100)).toEqual([[1, 1], [1, 1], [1]]);
    expect(split([4, 4, 4, 20, 1], 10, 10)).toEqual([[4, 4], [4], [20], [1]]);
    expect(split([], 2, 2)).toEqual([]);
  });

  it('keeps the last record of each id', () => {
    const record = (id: string, value: number) => ({ id, vector: [value] });
    const given = [record('a', 1), record('b', 2), record('a', 3)];
    expect(lastOfEachId(given)).toEqual([record('b', 2), record('a', 3)]);
    expect(lastOfEachId(given.slice(1))).toHaveLength(2);
  });
});

describe('cursor', () => {
  it('belongs to its vendor and collection', () => {
    const cursor = encodeCursor('chroma', 'docs', 'last id');
    expect(decodeCursor(cursor, 'chroma', 'docs', isText)).toBe('last id');
    expect(decodeCursor(cursor, 'pgvector', 'docs', isText)).toBeUndefined();
    expect(decodeCursor(cursor, 'chroma', 'other', isText)).toBeUndefined();
    for (const garbled of ['', '%', cursor.slice(3), 'x'.repeat(10_000), encodeCursor('chroma', 'docs', 7)]) {
      expect(decodeCursor(garbled, 'chroma', 'docs', isText)).toBeUndefined();
    }
  });

  it('says where a page goes on, and refuses what is of another list or collection', () => {
    const origin = { vendor: 'chroma', operation: 'scan' } as const;
    expect(pagePosition(origin, undefined, 'docs', isText)).toBeUndefined();
    expect(pagePosition(origin, encodeCursor('chroma', 'docs', 'last id'), 'docs', isText)).toBe('last id');
    expect(pagePosition(origin, encodeCursor('chroma', '', ''), '', isText)).toBe('');
    const refused = (place: string) =>
      expect.objectContaining({ category: 'invalid_argument', message: `The cursor is not of this ${place}.` });
    const other = encodeCursor('chroma', 'other', 'last id');
    expect(() => pagePosition(origin, other, 'docs', isText)).toThrow(refused('collection'));
    expect(() => pagePosition(origin, other, '', isText)).toThrow(refused('list'));
  });
});

describe('score', () => {
  it('stays in its range', () => {
    expect(scoreOfCosine(1.0000001)).toBe(1);
    expect(exactScore('cosine', [1, 0], [-2, 0])).toBe(0);
    expect(exactScore('euclidean', [1, 0], [1, 3])).toBeCloseTo(0.1);
    expect(exactScore('dot', [1, 0], [0, 1])).toBe(0.5);
  });
});

describe('redaction', () => {
  it('removes secrets in every usual spelling', () => {
    const redact = createRedactor(['p@ss/w:rd', undefined, 'x']);
    const base64 = Buffer.from('p@ss/w:rd').toString('base64');
    expect(redact(`p@ss/w:rd p%40ss%2Fw%3Ard ${base64} https://u:pw@h/x`)).toBe(
      '[redacted] [redacted] [redacted] https://h/x',
    );
  });

  it.each(['', 'u', 'me', 'you', 'user', 'owner'])('removes a password from Basic credentials of %j', (username) => {
    const secret = 'p@ss?>w:rd~~';
    const redact = createRedactor([secret]);
    for (const encoding of ['base64', 'base64url', 'hex'] as const) {
      const redacted = redact(`Basic ${Buffer.from(`${username}:${secret}`).toString(encoding)}, and more`);
      expect(redacted).toMatch(/^Basic [\w+/-]*\[redacted\], and more$/);
      const rest = /^Basic (.*)\[/.exec(redacted)?.[1] ?? '';
      expect(`${username}:`).toContain(Buffer.from(rest, encoding).toString());
    }
  });

  it('removes a secret with quotes from JSON', () => {
    expect(createRedactor(['a"b\\c'])(JSON.stringify({ key: 'a"b\\c' }))).toBe('{"key":"[redacted]"}');
  });

  it('bounds the text and cleans it', () => {
    for (const letter of ['x', 'é', '日', '😀']) {
      const cut = cleanText(letter.repeat(5000));
      expect(Buffer.byteLength(cut)).toBeGreaterThan(2040);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(2048);
      expect(cut.isWellFormed()).toBe(true);
    }
    expect(cleanText('\u001b]0;title\u0007a\u202eb\ud800')).toBe(']0;title a b\ufffd');
  });
});
