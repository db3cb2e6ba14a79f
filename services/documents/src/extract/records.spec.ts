import { describe, expect, it } from '@jest/globals';
import { parseCsv } from './csv.extractor.ts';
import { extract, outline } from './testing.ts';

describe('CSV', () => {
  it('becomes a line a row, each value under its column', async () => {
    expect(outline(await extract('a.csv', 'Model,Flow\nA1,3 l/s\n"B, large",\n'))).toEqual([
      'list Model: A1; Flow: 3 l/s\nModel: B, large',
    ]);
  });

  it.each([';', '\t', '|'])('may be divided by %j', async (delimiter) => {
    const file = [`Model${delimiter}Flow`, `A${delimiter}1,5`].join('\n');
    expect(outline(await extract('a.csv', file))).toEqual(['list Model: A; Flow: 1,5']);
  });

  it('keeps quotes, delimiters and newlines within quotes', () => {
    expect(parseCsv('a,"b ""c"", d"\r\n"e\nf",g', ',')).toEqual([
      ['a', 'b "c", d'],
      ['e\nf', 'g'],
    ]);
  });
});

describe('JSON', () => {
  it('becomes sections and lines', async () => {
    const file = {
      name: 'Pump',
      parts: [
        { id: 1, size: { width: 2 } },
        { id: 2, tags: ['a', 'b'] },
      ],
    };
    expect(outline(await extract('a.json', JSON.stringify(file)))).toEqual([
      'list name: Pump',
      'h1 parts',
      'list id: 1\nsize.width: 2',
      'list id: 2\ntags: a, b',
    ]);
  });

  it('may come in lines', async () => {
    expect(outline(await extract('a.jsonl', '{"id":1}\n{"id":2}\n'))).toEqual(['list id: 1', 'list id: 2']);
  });

  it('is refused when it is not valid', async () => {
    await expect(extract('a.json', '{"id":1')).rejects.toMatchObject({ reason: 'UNREADABLE_FILE' });
  });

  it('may be nested deeper than anybody reads', async () => {
    const deep = `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`;
    await expect(extract('a.json', deep)).resolves.toMatchObject({ type: 'json' });
  });
});

describe('a file without text', () => {
  it.each([
    ['empty.txt', '', 'EMPTY_FILE'],
    ['blank.txt', ' \n\t\n', 'NO_TEXT_FOUND'],
    ['marks.md', '---\n\n***\n', 'NO_TEXT_FOUND'],
    ['header.csv', ',,\n', 'NO_TEXT_FOUND'],
  ])('%s is refused', async (name, content, reason) => {
    await expect(extract(name, content)).rejects.toMatchObject({ reason });
  });
});

it('gives every block its place in the extracted text, and counts what no reader can see', async () => {
  const document = await extract('a.txt', 'First \u00ad\ufffdpart.\n\nSecond part.');
  const text = document.blocks.map((block) => block.text).join('\n\n');
  for (const block of document.blocks)
    expect(text.slice(block.offset, block.offset + block.text.length)).toBe(block.text);
  expect(document.statistics.charactersBroken).toBe(1);
});
