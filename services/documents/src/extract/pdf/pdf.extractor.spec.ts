import { describe, expect, it } from '@jest/globals';
import { extract, outline } from '../testing.ts';
import { makePdf, type PdfPiece } from './pdf.testing.ts';

/** Lines of text from `y` downwards. */
const lines = (y: number, ...texts: string[]): PdfPiece[] =>
  texts.map((text, i) => ['plain', 10, 72, y - i * 12, text]);
const read = async (...pages: PdfPiece[][]): Promise<string[]> => outline(await extract('a.pdf', makePdf(pages)));

it('joins lines to paragraphs, and hyphenated words', async () => {
  expect(
    await read([
      ...lines(700, 'The pump moves wa-', 'ter upwards to the', 'tank.'),
      ...lines(640, 'It stops by itself.'),
    ]),
  ).toEqual(['paragraph The pump moves water upwards to the tank.', 'paragraph It stops by itself.']);
});

it('tells headings by their size or weight, and code by its letters', async () => {
  const page: PdfPiece[] = [
    ['bold', 20, 72, 720, 'Pumps'],
    ...lines(690, 'There are many kinds of pumps in the world, and', 'most of them move water.'),
    ['bold', 14, 72, 640, '1 Starting'],
    ...lines(620, 'To start it, enter'),
    ['code', 10, 90, 600, 'pump {'],
    ['code', 10, 102, 588, 'fast'],
    ['code', 10, 90, 576, '}'],
    ['bold', 10, 72, 540, 'Noise'],
    ...lines(526, 'It is loud at first.'),
  ];
  expect(await read(page)).toEqual([
    'h1 Pumps',
    'paragraph There are many kinds of pumps in the world, and most of them move water.',
    'h2 1 Starting',
    'paragraph To start it, enter',
    'code pump {\n  fast\n}',
    'h3 Noise',
    'paragraph It is loud at first.',
  ]);
});

it('drops headers, footers and page numbers, joins what a page break cuts, and knows the pages', async () => {
  const page = (number: number, text: string): PdfPiece[] => [
    ['plain', 9, 72, 760, 'Manual of pumps'],
    ...lines(700, text, 'and the rest of the text on this page,'),
    ['plain', 9, 300, 40, String(number)],
  ];
  const pages = [page(1, 'First the pump is opened'), page(2, 'then it is cleaned'), page(3, 'Last it is closed')];
  const document = await extract('a.pdf', makePdf(pages));
  expect(document.blocks.map(({ page, text }) => [page, text])).toEqual([
    [
      1,
      'First the pump is opened and the rest of the text on this page, then it is cleaned and the rest of the text on this page,',
    ],
    [3, 'Last it is closed and the rest of the text on this page,'],
  ]);
});

it('drops tables of contents', async () => {
  const contents = lines(
    700,
    '1 Opening . . . . . . . . . 3',
    '2 Cleaning . . . . . . . . 5',
    '3 Closing .......... 8',
    '4 Storing .......... 9',
  );
  expect(await read(contents, lines(700, 'The text itself.'))).toEqual(['paragraph The text itself.']);
});

it('reads columns one after the other, also where the file holds the lines in another order', async () => {
  const rows = Array.from({ length: 8 }, (_, i): PdfPiece[] => [
    ['plain', 10, 330, 700 - i * 12, `right ${i} some more words`],
    ['plain', 10, 72, 700 - i * 12, `left ${i} some words`],
  ]);
  const [block] = await read(rows.reverse().flat());
  expect(block?.match(/left \d|right \d/g)).toEqual([
    ...Array.from({ length: 8 }, (_, i) => `left ${i}`),
    ...Array.from({ length: 8 }, (_, i) => `right ${i}`),
  ]);
});

it('keeps rows of a table together', async () => {
  const row = (y: number, a: string, b: string): PdfPiece[] => [
    ['plain', 10, 72, y, a],
    ['plain', 10, 250, y, b],
  ];
  expect(await read([...row(700, 'Model', 'Flow'), ...row(688, 'A1', '3 l/s'), ...row(676, 'B2', '5 l/s')])).toEqual([
    'table Model | Flow\nA1 | 3 l/s\nB2 | 5 l/s',
  ]);
});

it('takes the title from the file, or from the largest letters of its first page', async () => {
  const page: PdfPiece[] = [['bold', 24, 72, 720, 'On pumps'], ...lines(680, 'A text about pumps of all kinds.')];
  expect(await extract('a.pdf', makePdf([page], 'The book of pumps'))).toMatchObject({ title: 'The book of pumps' });
  expect(await extract('a.pdf', makePdf([page], 'pumps-final.docx'))).toMatchObject({ title: 'On pumps' });
});

describe('a PDF file is refused', () => {
  it('when it is cut off', async () => {
    const whole = makePdf([lines(700, 'text')]);
    await expect(extract('a.pdf', whole.slice(0, 60))).rejects.toMatchObject({ reason: 'UNREADABLE_FILE' });
  });

  it('when it is noise behind a signature', async () => {
    const noise = Buffer.concat([
      Buffer.from('%PDF-1.7\n'),
      Buffer.from(Array.from({ length: 500 }, (_, i) => (i * 73) % 256)),
    ]);
    await expect(extract('a.pdf', Uint8Array.from(noise))).rejects.toMatchObject({ reason: 'UNREADABLE_FILE' });
  });

  it('when it is encrypted', async () => {
    const zeros = '00'.repeat(32);
    const encrypt = `/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${zeros}> /U <${zeros}> >> /ID [<00> <00>]`;
    const file = Buffer.from(makePdf([lines(700, 'text')]))
      .toString('latin1')
      .replace('/Root', `${encrypt} /Root`);
    await expect(extract('a.pdf', Uint8Array.from(Buffer.from(file, 'latin1')))).rejects.toMatchObject({
      reason: 'UNREADABLE_FILE',
      message: expect.stringContaining('encrypted'),
    });
  });

  it('when it holds pictures only', async () => {
    await expect(extract('a.pdf', makePdf([[]]))).rejects.toMatchObject({
      reason: 'NO_TEXT_FOUND',
      message: expect.stringContaining('scanned'),
    });
  });
});
