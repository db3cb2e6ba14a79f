import { describe, expect, it } from '@jest/globals';
import type { StoredRecord } from '../connector.port.ts';
import { fuse, fusedQuery } from './fuse.ts';
import { rankByWords, wordsOf } from './words.ts';

const records = (...ids: string[]): StoredRecord[] => ids.map((id) => ({ id }));
const documents = (texts: Record<string, string | undefined>): StoredRecord[] =>
  Object.entries(texts).map(([id, document]) => ({ id, document }));
const ids = (ranked: readonly { id: string }[]) => ranked.map(({ id }) => id);

describe('wordsOf', () => {
  it('cuts runs of letters and digits in lower case, each once', () => {
    expect(wordsOf(`The ÄRGER isn't "E-4711" || the_end 日本語`)).toEqual([
      'the',
      'ärger',
      'isn',
      't',
      'e',
      '4711',
      'end',
      '日本語',
    ]);
    expect(wordsOf('?! …')).toEqual([]);
    expect(wordsOf(Array.from({ length: 99 }, (_, index) => `w${index}`).join(' '))).toHaveLength(32);
  });
});

describe('rankByWords', () => {
  it('puts rare words before common ones, more before fewer, and leaves out what has none', () => {
    const ranked = rankByWords('common rare', [
      ...documents({
        none: 'nothing here',
        absent: undefined,
        rare: 'rare indeed',
        both: 'Common, rare!',
        twice: 'rare rare',
      }),
      ...documents(Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`c${index}`, 'common']))),
    ]);
    expect(ids(ranked).slice(0, 3)).toEqual(['twice', 'both', 'rare']);
    expect(ranked).toHaveLength(23);
    expect(rankByWords('x', [])).toEqual([]);
  });

  it('takes no word for the beginning of another', () => {
    expect(rankByWords('quick', documents({ a: 'quicksand', b: 'QUICK!' }))).toHaveLength(1);
  });
});

describe('fuse', () => {
  it('gives the first of both the score 1, and orders by ranks alone', () => {
    const fused = fuse({
      byVector: records('both', 'v'),
      byWords: records('both', 'w'),
      vectorWeight: 0.5,
      topK: 9,
    });
    expect(ids(fused)).toEqual(['both', 'v', 'w']);
    expect(fused[0]?.score).toBeCloseTo(1, 12);
    expect(fused[1]?.score).toBeCloseTo((0.5 * 61) / 62, 12);
  });

  it('prefers what is far down in both legs to what is first in one', () => {
    const many = records(...Array.from({ length: 30 }, (_, index) => `r${index}`));
    const fused = fuse({
      byVector: [...many, { id: 'x' }],
      byWords: records('first', 'x'),
      vectorWeight: 0.5,
      topK: 2,
    });
    expect(ids(fused)).toEqual(['x', 'first']);
  });
});

describe('fusedQuery', () => {
  it('asks the legs deeper than topK, and not at all the one without weight', async () => {
    const asked: string[] = [];
    const legs = {
      byVector: async (depth: number) => {
        asked.push(`vector ${depth}`);
        return records('a');
      },
      byWords: async (depth: number) => {
        asked.push(`words ${depth}`);
        return records('b');
      },
    };
    const request = { vector: [1], text: 'x', topK: 30 };
    expect(await fusedQuery(request, { topKMax: 100 }, legs)).toHaveLength(2);
    await fusedQuery({ ...request, vectorWeight: 0 }, { topKMax: 1_000 }, legs);
    await fusedQuery({ ...request, vectorWeight: 1, topK: 1 }, { topKMax: 1_000 }, legs);
    expect(asked).toEqual(['vector 100', 'words 100', 'words 120', 'vector 50']);
  });
});
