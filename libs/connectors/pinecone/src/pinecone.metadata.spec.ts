import { describe, expect, it } from '@jest/globals';
import type { Metadata } from '@morag/connectors-core';
import { isHashed, nativeId } from './pinecone.ids.ts';
import { documentOf, type Extras, fromNative, isZero, originalId, toNative } from './pinecone.metadata.ts';

const stored = (metadata: Metadata | undefined, extras: Extras = {}) => toNative(metadata, extras).native;

describe('metadata', () => {
  it('stores what the server holds as it is, and nothing beside it', () => {
    const metadata = { text: 'x', number: 1.5, no: false, tags: ['a', 'b'] };
    expect(stored({ ...metadata, gone: null })).toEqual(metadata);
    expect(stored(undefined)).toEqual({});
  });

  it('keeps the rest as JSON, with a mark for each key and for each member of a list', () => {
    const metadata = { mixed: [1, 'x', null], none: [], nested: { deep: [null] }, plain: 'p' };
    const native = stored(metadata);
    expect(native).toEqual({
      plain: 'p',
      _vk_json: JSON.stringify({ mixed: metadata.mixed, none: [], nested: metadata.nested }),
      _vk_marks: ['["mixed"]', '["mixed",1]', '["mixed","x"]', '["none"]', '["nested"]'],
    });
    expect(fromNative(native)).toEqual(metadata);
  });

  it('holds document, id and the mark of a zero vector apart', () => {
    const native = stored({ a: 1 }, { document: 'text', id: 'é', zero: true });
    expect([documentOf(native), originalId(native), isZero(native)]).toEqual(['text', 'é', true]);
    expect(fromNative(native)).toEqual({ a: 1 });
  });

  it('lists the words of the document, or says that there was no room for them', () => {
    expect(stored({}, { document: 'The valve, the E-4711!' })._vk_words).toEqual(['the', 'valve', 'e', '4711']);
    const { native, bytes } = toNative({}, { document: Array.from({ length: 5_000 }, (_, at) => `w${at}`).join(' ') });
    expect([native._vk_words, native._vk_wordless]).toEqual([undefined, true]);
    expect(bytes).toBeGreaterThanOrEqual(Buffer.byteLength(JSON.stringify(native)));
    expect(stored({}, { document: '?!' })).toEqual({ _vk_document: '?!' });
  });

  it('reads what another program wrote', () => {
    expect(fromNative({ a: 1, _vk_json: 'not json', list: ['x'] })).toEqual({ a: 1, list: ['x'] });
    expect([fromNative(undefined), documentOf(undefined), isZero(undefined)]).toEqual([{}, undefined, false]);
  });
});

describe('nativeId', () => {
  it.each(['plain', ' 42 ', 'a/b?c#d', 'x'.repeat(512)])('keeps %j', (id) => {
    expect(nativeId(id)).toBe(id);
  });

  it.each(['é', '日本 😀', 'line\nbreak', '_vk_mine'])('hashes %j', (id) => {
    expect(nativeId(id)).toMatch(/^_vk_[\w-]{43}$/);
    expect(isHashed(nativeId(id))).toBe(true);
  });
});
