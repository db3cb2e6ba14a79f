import { describe, expect, it } from '@jest/globals';
import { detectLanguage, detectPassageLanguage, textSearchConfiguration } from './language.ts';

const ENGLISH = 'The server listens on a port and accepts connections from the local machine, which is the default.';
const GERMAN =
  'Der Server lauscht auf einem Port und nimmt Verbindungen nur von dem lokalen Rechner an, wenn nichts anderes eingestellt ist.';

describe('the language of a text', () => {
  it.each([
    ['en', ENGLISH],
    ['de', GERMAN],
    ['fr', 'Le serveur écoute sur le port et accepte les connexions de la machine locale.'],
    ['es', 'El servidor escucha en el puerto y acepta las conexiones de la máquina local.'],
    ['sv', 'Det är en väldigt fin dag i dag och solen skiner på oss.'],
    ['ru', 'Сервер прослушивает порт и принимает соединения от локальной машины.'],
    ['ja', 'サーバーはポートで接続を待ちます。設定ファイルを編集してください。'],
    ['en', 'The JSON and SQL functions of PostgreSQL are described in the table below, with π as an example.'],
  ])('is found: %s', async (language, text) => {
    expect(detectLanguage(text)).toBe(language);
  });

  it.each(['', 'x = y + 1', 'Chapter 71. BRIN Indexes', '4711 0815'])('is not guessed from %j', (text) => {
    expect(detectLanguage(text)).toBe('und');
  });
});

describe('the language of a passage', () => {
  it('is its document’s, unless it clearly differs', () => {
    expect(detectPassageLanguage('if (der && die) { das(); }', 'en')).toBe('en');
    expect(detectPassageLanguage(GERMAN.repeat(2), 'en')).toBe('de');
    expect(detectPassageLanguage(ENGLISH.repeat(2), 'de')).toBe('en');
  });
});

it('stems where PostgreSQL can', () => {
  expect(['de', 'en', 'und', 'ja'].map(textSearchConfiguration)).toEqual(['german', 'english', 'english', 'simple']);
});
