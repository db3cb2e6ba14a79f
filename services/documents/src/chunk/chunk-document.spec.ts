import { describe, expect, it } from '@jest/globals';
import { BLOCK_SEPARATOR, type Block, type ExtractedDocument } from '../extract/block.ts';
import { type ChunkBounds, chunkDocument } from './chunk-document.ts';
import { estimateTokens } from './tokens.ts';

type Piece =
  | { kind: 'heading'; level: number; text: string }
  | { kind: 'paragraph' | 'list' | 'table' | 'code'; text: string; page?: number };

function document(pieces: readonly Piece[], title?: string): ExtractedDocument {
  let offset = 0;
  const blocks = pieces.map((piece): Block => {
    const block = { ...piece, offset };
    offset += piece.text.length + BLOCK_SEPARATOR.length;
    return block;
  });
  const statistics = { charactersFound: offset, charactersKept: offset, charactersBroken: 0 };
  return { type: 'text', language: 'en', blocks, statistics, ...(title && { title }) };
}

const SMALL: ChunkBounds = { tokensMax: 30, tokensMin: 8, overlap: 8 };
const h = (level: number, text: string): Piece => ({ kind: 'heading', level, text });
const p = (text: string): Piece => ({ kind: 'paragraph', text });
const sentence = (i: number): string => `Sentence number ${i} says a little more.`;
const sentences = (count: number): string => Array.from({ length: count }, (_, i) => sentence(i)).join(' ');
const texts = (pieces: Piece[], bounds = SMALL): string[] =>
  chunkDocument(document(pieces), bounds).map((chunk) => chunk.text);

describe('a passage', () => {
  it('keeps sentences whole and stays within its bound', () => {
    const chunks = texts([p(sentences(12))]);
    expect(chunks.length).toBeGreaterThan(2);
    for (const chunk of chunks) {
      expect(chunk).toMatch(/^Sentence number .* more\.$/);
      expect(estimateTokens(chunk)).toBeLessThanOrEqual(SMALL.tokensMax);
    }
  });

  it('repeats the end of the one before', () => {
    const [first = '', second = ''] = texts([p(sentences(6))]);
    expect(second.startsWith(first.slice(first.lastIndexOf('Sentence')))).toBe(true);
  });

  it('is about as long as its neighbours rather than a remainder', () => {
    const lengths = texts([p(sentences(7))]).map(estimateTokens);
    expect(Math.min(...lengths)).toBeGreaterThan(Math.max(...lengths) / 2);
  });

  it('knows its place in the text', () => {
    const source = document([h(1, 'A'), p(sentences(9)), p('The end.')]);
    const whole = source.blocks.map((block) => block.text).join(BLOCK_SEPARATOR);
    for (const chunk of chunkDocument(source, SMALL)) {
      const found = whole.slice(chunk.startOffset, chunk.endOffset);
      expect(found.replaceAll(/\s+/g, ' ')).toBe(chunk.text.replaceAll(/\s+/g, ' '));
    }
  });

  it('knows its page', () => {
    const pages = [1, 2].map((page): Piece => ({ kind: 'paragraph', text: sentences(4), page }));
    expect(chunkDocument(document(pages), SMALL).map((chunk) => chunk.page)).toEqual([1, 1, 2, 2]);
  });
});

describe('headings', () => {
  it('lead to a passage, outermost first, the title apart', () => {
    const pieces = [
      h(1, 'Pumps'),
      p('About pumps, in general and in all detail.'),
      h(2, 'Starting'),
      p(sentences(3)),
      h(2, 'Stopping'),
      p(sentences(3)),
    ];
    const chunks = chunkDocument(document(pieces, 'Pumps'), { ...SMALL, tokensMin: 0 });
    expect(chunks.map((chunk) => chunk.headingPath)).toEqual([[], ['Starting'], ['Stopping']]);
    expect(chunks[1]?.embeddingText).toBe(`Pumps > Starting\n\n${sentences(3)}`);
    expect(chunks[1]?.text).toBe(sentences(3));
  });

  it('count twice for the words of a passage', () => {
    const [chunk] = chunkDocument(document([h(1, 'Starting'), p('Press it.')], 'Pumps'), SMALL);
    expect(chunk?.lexicalText).toBe('Pumps > Starting\n\nPumps > Starting\n\nPress it.');
  });

  it('of small neighbours move into their common passage', () => {
    const chunks = chunkDocument(
      document([h(1, 'Use'), h(2, 'Start'), p('Press.'), h(2, 'Stop'), p('Press again.')]),
      SMALL,
    );
    expect(chunks.map(({ headingPath, text }) => ({ headingPath, text }))).toEqual([
      { headingPath: ['Use'], text: 'Start\nPress.\n\nStop\nPress again.' },
    ]);
  });

  it('alone are still worth finding', () => {
    expect(texts([h(1, 'Pumps'), h(2, 'Valves')])).toEqual(['Pumps\nValves']);
  });
});

describe('tables and code', () => {
  const rows = (count: number): string =>
    Array.from({ length: count }, (_, i) => `model ${i} | ${i} litres`).join('\n');

  it('are kept whole where they fit', () => {
    const code = 'start()\nstop()';
    expect(
      texts([p(sentences(2)), { kind: 'code', text: code }, p(sentences(2))]).filter((text) => text.includes(code)),
    ).toHaveLength(1);
  });

  it('repeat the header of a table that is cut', () => {
    const chunks = texts([{ kind: 'table', text: `Model | Flow\n${rows(12)}` }]);
    expect(chunks.length).toBeGreaterThan(1);
    for (const chunk of chunks) expect(chunk).toMatch(/^Model \| Flow\n/);
    expect(chunks.join('\n').match(/model \d+ /g)).toHaveLength(12);
  });
});

it('cuts what has no sentences and no words', () => {
  const chunks = texts([p('x'.repeat(3000)), p(`${'word '.repeat(400)}end`)]);
  for (const chunk of chunks) expect(estimateTokens(chunk)).toBeLessThanOrEqual(SMALL.tokensMax);
  expect(chunks.join('').replaceAll(/[^x]/g, '')).toHaveLength(3000);
});

it('gives the same passages and hashes each time, and other hashes for other text', () => {
  const source = document([h(1, 'A'), p(sentences(9))]);
  expect(chunkDocument(source)).toEqual(chunkDocument(source));
  const hashes = chunkDocument(source, SMALL).map((chunk) => chunk.hash);
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
});
