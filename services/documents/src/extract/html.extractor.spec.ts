import { describe, expect, it } from '@jest/globals';
import { extract, outline } from './testing.ts';

const page = (body: string, head = '<title>The page</title>'): string =>
  `<!doctype html><html lang="en-GB"><head>${head}</head><body>${body}</body></html>`;
const read = async (body: string): Promise<string[]> => outline(await extract('a.html', page(body)));

it('keeps headings, paragraphs, lists, code and tables', async () => {
  const blocks = await read(`
    <h1>Pumps</h1><p>A pump moves <b>water</b><br>upwards.</p>
    <ul><li>hand pump<li>foot pump</ul>
    <pre>pump --start\n  --fast</pre>
    <table><tr><th>Model<th>Flow</tr><tr><td>A1<td>3 l/s</table>`);
  expect(blocks).toEqual([
    'h1 Pumps',
    'paragraph A pump moves water upwards.',
    'list - hand pump\n- foot pump',
    'code pump --start\n  --fast',
    'table Model | Flow\nA1 | 3 l/s',
  ]);
});

it('takes title and language from the page', async () => {
  expect(await extract('a.html', page('<p>text'))).toMatchObject({ title: 'The page', language: 'en', type: 'html' });
});

describe('page furniture is left out:', () => {
  it.each([
    ['scripts and styles', '<script>var secret</script><style>p{}</style><noscript>no</noscript>'],
    ['navigation', '<nav><a href=/>Home</a></nav><div role="navigation">Up</div>'],
    ['the header and footer of the page', '<header>Site name</header><footer>Imprint</footer>'],
    [
      'sidebars and tables of contents by their names',
      '<div class="sphinxsidebar">Side</div><div id="toc">Contents</div>',
    ],
    ['what is hidden', '<p hidden>gone</p><span aria-hidden="true">¶</span>'],
    [
      'lists of links',
      '<ul><li><a href=1>One</a><li><a href=2>Two</a><li><a href=3>Three</a><li><a href=4>Four</a></ul>',
    ],
    ['rows of links', '<p><a href=1>One</a> <a href=2>Two</a> <a href=3>Three</a> <a href=4>Four</a></p>'],
  ])('%s', async (_what, furniture) => {
    expect(await read(`${furniture}<p>The text.</p>${furniture}`)).toEqual(['paragraph The text.']);
  });

  it('but not the header of an article, nor a list with a link in it', async () => {
    const article =
      '<article><header><h1>Title</h1></header><ul><li>See <a href=1>one</a> of many things</ul></article>';
    expect(await read(article)).toEqual(['h1 Title', 'list - See one of many things']);
  });
});

it('reads only the part that is marked as main, when that is the document', async () => {
  expect(await read(`<p>Cookies?</p><main><p>${'The whole story. '.repeat(9)}</p></main>`)).toEqual([
    `paragraph ${'The whole story. '.repeat(9).trim()}`,
  ]);
  expect(await read('<main></main><p>All of the text stands beside it.</p>')).toEqual([
    'paragraph All of the text stands beside it.',
  ]);
});

it('keeps a term with its definition', async () => {
  expect(await read('<dl><dt>--force<dt>-f<dd><p>Overwrites.</p><p>Twice as much.</p></dl>')).toEqual([
    'paragraph --force, -f: Overwrites.',
    'paragraph Twice as much.',
  ]);
});

it('walks into tables that only lay out the page', async () => {
  expect(await read('<table><tr><td><p>One.</p><p>Two.</p></table>')).toEqual(['paragraph One.', 'paragraph Two.']);
});

it('survives deep and broken markup', async () => {
  const blocks = await read(`${'<div>'.repeat(5000)}deep</div><p>after <b>unclosed`);
  expect(blocks.at(-1)).toBeDefined();
  await expect(extract('a.html', page('<p></p>', ''))).rejects.toMatchObject({ reason: 'NO_TEXT_FOUND' });
});
