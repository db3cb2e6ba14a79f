import { describe, expect, it } from '@jest/globals';
import { detectType } from './detect-type.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const PNG = Uint8Array.of(
  0x89,
  0x50,
  0x4e,
  0x47,
  0x0d,
  0x0a,
  0x1a,
  0x0a,
  0,
  0,
  0,
  0x0d,
  0x49,
  0x48,
  0x44,
  0x52,
  0,
  0,
  0,
  1,
);

describe('a file is what its name and content agree on', () => {
  it.each([
    ['a.pdf', '%PDF-1.7\n', 'pdf'],
    ['a.HTML', 'no tags at all', 'html'],
    ['a.md', '# Title', 'markdown'],
    ['a.csv', 'a,b', 'csv'],
    ['a.jsonl', '{}', 'json'],
    ['a.txt', '<html> is how a page begins', 'text'],
    ['README', 'plain words', 'text'],
    ['page', '<!doctype html><p>x', 'html'],
    ['page', '<?xml version="1.0"?>\n<!DOCTYPE html><html/>', 'html'],
    ['notes.unknown', 'plain words', 'text'],
  ])('%s', async (name, content, type) => {
    await expect(detectType(text(content), name)).resolves.toBe(type);
  });

  it('or on the declared type where the name says nothing', async () => {
    await expect(detectType(text('a,b'), 'upload', 'text/csv; charset=utf-8')).resolves.toBe('csv');
  });
});

describe('a file of another type than its name is refused', () => {
  it.each([
    ['a.txt', text('%PDF-1.7\n'), 'is a PDF file'],
    ['a.pdf', text('plain words'), 'is not a PDF file'],
    ['a.txt', PNG, 'holds image/png'],
    ['a.md', Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0), 'holds application/zip'],
    ['a.bin', Uint8Array.from({ length: 64 }, (_, i) => i % 7), 'is neither text nor'],
  ])('%s', async (name, bytes, complaint) => {
    await expect(detectType(bytes, name)).rejects.toMatchObject({
      reason: 'UNSUPPORTED_FILE_TYPE',
      message: expect.stringContaining(complaint),
    });
  });
});

it('takes UTF-16 for text', async () => {
  await expect(detectType(Uint8Array.of(0xff, 0xfe, 0x41, 0, 0x42, 0), 'a.txt')).resolves.toBe('text');
});
