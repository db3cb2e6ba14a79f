/** Scripts that put no spaces between words, so that PostgreSQL's parser would take a sentence for one word. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]+/gu;

const words = new Intl.Segmenter(undefined, { granularity: 'word' });

/**
 * A text as it goes into the lexical index, and a question as it is looked up there. Both must go through this: names such as
 * `postgresql.conf` and `/etc/hosts` are single lexemes to PostgreSQL, and nobody who asks for `hosts` would find them.
 */
export function lexicalForm(text: string): string {
  return text
    .replaceAll(/(?<=\p{L})[./\\:_](?=\p{L})|[/\\_](?=\p{L})|(?<=\p{L})[/\\_]/gu, ' ')
    .replaceAll(UNSPACED, (run) => ` ${[...words.segment(run)].map((word) => word.segment).join(' ')} `);
}
