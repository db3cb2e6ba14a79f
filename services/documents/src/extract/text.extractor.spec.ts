import { describe, expect, it } from '@jest/globals';
import { extract, outline } from './testing.ts';

const read = async (source: string): Promise<string[]> => outline(await extract('a.txt', source));
const LINE = 'This line is long enough to show that the text was wrapped for a screen';

it('joins the lines of a paragraph, and keeps short lines apart', async () => {
  expect(await read(`${LINE}\nand goes on.\n\nRoses\nare red\nmy love\n`)).toEqual([
    `paragraph ${LINE} and goes on.`,
    'list Roses\nare red\nmy love',
  ]);
});

describe('headings are', () => {
  it.each([
    ['underlined', `Install\n=======\n\n${LINE}\n\nOptions\n-------\n${LINE}`, ['h1 Install', 'h2 Options']],
    [
      'numbered',
      `1. Introduction\n\n${LINE}\n\n2.3 Use of pumps\n\n${LINE}`,
      ['h1 1. Introduction', 'h2 2.3 Use of pumps'],
    ],
    [
      'in capitals, with an indented body',
      `NAME\n       pump - moves water\n\nOPTIONS\n       --fast`,
      ['h1 NAME', 'h1 OPTIONS'],
    ],
    ['chapters', `Chapter 4 Pumps\n\n${LINE}`, ['h1 Chapter 4 Pumps']],
  ])('%s', async (_how, source, headings) => {
    expect((await read(source)).filter((block) => block.startsWith('h'))).toEqual(headings);
  });

  it.each([
    ['a sentence', `This is short.\n\n${LINE}`],
    ['a numbered list', '1. Open the hatch\n\n2. Close the hatch\n'],
    ['the last line', `${LINE}\n\n3 Apples`],
    ['an assignment', `FOO=BAR;\n\n${LINE}`],
  ])('not %s', async (_what, source) => {
    expect((await read(source)).filter((block) => block.startsWith('h'))).toEqual([]);
  });
});

it('keeps lists, tables and code as they stand', async () => {
  const code = '    for (;;) {\n      pump(&water[i]);\n    }';
  const table = '+----+----+\n| A  | B  |\n+----+----+\n| 1  | 2  |\n+----+----+';
  expect(await read(`${LINE}\n\n- one\n  more\n- two\n\n${code}\n\n${table}\n`)).toEqual([
    `paragraph ${LINE}`,
    'list - one more\n- two',
    'code for (;;) {\n  pump(&water[i]);\n}',
    'table | A  | B  |\n| 1  | 2  |',
  ]);
});

it('drops tables of contents, page headers and footers', async () => {
  const pages = Array.from(
    { length: 4 },
    (_, i) => `RFC 9999          Pumps          June 2020\n\n\n${LINE} no. ${i},\n\n\nSmith          [Page ${i + 1}]`,
  );
  expect(
    await read(`Contents\n\n1. Introduction ........... 3\n2. Use . . . . . . . . . . 4\n\f\n${pages.join('\n\f\n')}`),
  ).toEqual(['paragraph Contents', ...[0, 1, 2, 3].map((i) => `paragraph ${LINE} no. ${i},`)]);
});

it('joins a paragraph that a page break cuts', async () => {
  const pages = ['header 1\n\nthe pump moves', 'header 2\n\nwater upwards', 'header 3\n\nThe end'];
  expect(await read(pages.join('\n\f'))).toEqual(['paragraph the pump moves water upwards', 'paragraph The end']);
});

it('reads formatted manual pages', async () => {
  const source = `PUMP(1)                      User Commands                     PUMP(1)\n\nN\bNA\bAM\bME\bE\n       pump - moves _\bw_\ba_\bt_\be_\br and does so for as long as there is any of it left\n\n       It is one of the oldest of all machines.\n`;
  const document = await extract('pump.1.txt', source);
  expect(document.title).toBe('PUMP(1)');
  expect(outline(document).slice(-3)).toEqual([
    'h1 NAME',
    'paragraph pump - moves water and does so for as long as there is any of it left',
    'paragraph It is one of the oldest of all machines.',
  ]);
});
