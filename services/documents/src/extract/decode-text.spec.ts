import { describe, expect, it } from '@jest/globals';
import iconv from 'iconv-lite';
import { decodeText } from './decode-text.ts';

const GERMAN = 'Grüße aus Köln: größere Maße für schöne Türen, und über allem schwebt die Straße nach Süden. '.repeat(
  4,
);
const RUSSIAN = 'Сервер прослушивает порт и принимает соединения только от локальной машины. '.repeat(4);

describe('the text of a file', () => {
  it.each([
    ['utf-8', GERMAN],
    ['utf-8', RUSSIAN],
    ['windows-1252', GERMAN],
    ['windows-1251', RUSSIAN],
  ])('in %s is recognised', (encoding, text) => {
    expect(decodeText(iconv.encode(text, encoding), 'a.txt')).toBe(text);
  });

  it.each(['utf-8', 'utf-16le', 'utf-16be', 'utf-32le'])('in %s with a byte order mark loses the mark', (encoding) => {
    expect(decodeText(iconv.encode(GERMAN, encoding, { addBOM: true }), 'a.txt')).toBe(GERMAN);
  });

  it('in HTML is read as the page declares', () => {
    const page = `<meta charset="koi8-r"><p>${RUSSIAN}`;
    expect(decodeText(iconv.encode(page, 'koi8-r'), 'a.html', 'html')).toBe(page);
  });

  it('in HTML that wrongly claims UTF-8 is recognised all the same', () => {
    const page = `<meta charset="utf-8"><p>${GERMAN}`;
    expect(decodeText(iconv.encode(page, 'windows-1252'), 'a.html', 'html')).toBe(page);
  });
});
