import { describe, expect, it } from '@jest/globals';
import { NO_PREFERENCE, preferred, serversNamed } from './read-preference.ts';

const EU = { region: 'eu', disk: 'fast' };

describe('the preference of a database', () => {
  it.each([
    ['none', {}, EU, { weight: 100, isPreferred: true }],
    ['a label that the server carries', { labels: { region: 'eu' } }, EU, { weight: 100, isPreferred: true }],
    ['a label with another value', { labels: { region: 'us' } }, EU, { weight: 100, isPreferred: false }],
    ['labels of which it carries one', { labels: { region: 'eu', disk: 'slow' } }, EU, { isPreferred: false }],
    ['labels that it carries all', { labels: { region: 'eu', disk: 'fast' } }, EU, { isPreferred: true }],
    ['a label of a server without any', { labels: { region: 'eu' } }, {}, { isPreferred: false }],
    ['an empty value, which is not the same as none', { labels: { region: '' } }, {}, { isPreferred: false }],
    ['a name that every object has', { labels: { constructor: 'eu' } }, {}, { isPreferred: false }],
    ['a weight of its own', { weights: { s: 7 } }, EU, { weight: 7, isPreferred: true }],
    ['a weight of nothing', { weights: { s: 0 } }, EU, { weight: 0 }],
    ['a weight of another server', { weights: { other: 7 } }, EU, { weight: 100 }],
  ])('with %s', (_what, preference, labels, expected) => {
    expect(preferred({ ...NO_PREFERENCE, ...preference }, { serverId: 's', labels })).toMatchObject(expected);
  });

  it('names each server once', () => {
    expect(serversNamed({ labels: EU, weights: { a: 1, b: 2 }, pinnedServerId: 'b' })).toEqual(['a', 'b']);
    expect(serversNamed(NO_PREFERENCE)).toEqual([]);
  });
});
