import { expect, it } from '@jest/globals';
import { extract, outline } from './testing.ts';

const read = async (source: string): Promise<string[]> => outline(await extract('a.md', source));

it('keeps headings, paragraphs, code, tables and lists', async () => {
  const blocks = await read(
    [
      '# Pumps',
      'A pump',
      'moves *water* with `force`.',
      '## Use',
      '```sh\npump --start\n```',
      '| A | B |\n|---|---|\n| 1 | 2 |',
      '- one\n  - two\n- three',
    ].join('\n\n'),
  );
  expect(blocks).toEqual([
    'h1 Pumps',
    'paragraph A pump',
    'paragraph moves water with force.',
    'h2 Use',
    'code pump --start',
    'table A | B\n1 | 2',
    'list - one\n- two\n- three',
  ]);
});

it('takes the title from front matter, or the first heading', async () => {
  expect(await extract('a.md', '---\ntitle: "On pumps"\ntags: [x]\n---\n# Heading\ntext')).toMatchObject({
    title: 'On pumps',
  });
  expect(await extract('a.md', 'text\n\n# Heading\n')).toMatchObject({ title: 'Heading' });
  expect(await read('---\ntitle: t\n---\ntext')).toEqual(['paragraph text']);
});

it('reads HTML within, and code within lists', async () => {
  expect(await read('<p align="center"><b>Hello</b></p>\n\n1. Run\n\n   ```\n   x\n   ```\n2. Stop')).toEqual([
    'paragraph Hello',
    'paragraph Run',
    'code x',
    'paragraph Stop',
  ]);
});

it('drops the addresses of links and keeps the descriptions of images', async () => {
  expect(await read('See [the guide](https://example.org/guide) and ![a pump](p.png).')).toEqual([
    'paragraph See the guide and a pump.',
  ]);
});
