import { expect, it } from '@jest/globals';
import type { Chunk } from './chunk/chunk.ts';
import type { ExtractedDocument, ExtractionStatistics } from './extract/block.ts';
import { qualityOf } from './quality.ts';

const clean: ExtractionStatistics = { charactersFound: 1000, charactersKept: 900, charactersBroken: 0 };
const quality = (statistics: Partial<ExtractionStatistics>, lengths: number[] = [100, 100], language = 'en'): number =>
  qualityOf(
    { type: 'text', language, blocks: [], statistics: { ...clean, ...statistics } } satisfies ExtractedDocument,
    lengths.map((length) => ({ text: 'x'.repeat(length) }) as Chunk),
  );

it('is 1 for a text that was read whole', () => {
  expect(quality({})).toBe(1);
});

it('falls with each thing that went wrong, and never leaves 0–1', () => {
  expect(quality({ charactersKept: 250 })).toBeCloseTo(1 - 0.35 / 2);
  expect(quality({ charactersKept: 1000, charactersBroken: 25 })).toBeCloseTo(1 - 0.35 / 2);
  expect(quality({}, [100, 300])).toBeCloseTo(1 - 0.2 / 2);
  expect(quality({}, [100], 'und')).toBeCloseTo(0.9);
  expect(quality({ charactersKept: 0, charactersBroken: 900 }, [], 'und')).toBe(0);
});
