import { describe, expect, it } from '@jest/globals';
import { type Category, ConnectorError, type ConnectorErrorDetails, hasCategory } from './connector.error.ts';
import { createKnownCollections, type KnownCollectionsParts } from './known-collections.ts';

const VIA = { vendor: 'chroma', operation: 'query' } as const;

interface Made {
  readonly uid: number;
  readonly ours?: boolean;
}

/** A server's collections by name, and what was asked of it. */
function server(present: Record<string, Made>, parts: Partial<KnownCollectionsParts<Made, typeof VIA>> = {}) {
  const asked: string[] = [];
  const known = createKnownCollections<Made, typeof VIA>({
    async find(via, name) {
      asked.push(name);
      const found = present[name];
      if (!found) throw new ConnectorError('not_found', via, 'There is no such collection.');
      return found;
    },
    isSame: (current, remembered) => current.uid === remembered.uid,
    ...parts,
  });
  return { known, asked, present };
}

function fail(category: Category, details?: ConnectorErrorDetails): never {
  throw new ConnectorError(category, VIA, 'no', details);
}

const uidOf = async ({ uid }: Made): Promise<number> => uid;

/** Fails for the first collection, as the server does once another has taken its place. */
const failingFor =
  (uid: number, category: Category, details?: ConnectorErrorDetails) =>
  async (made: Made): Promise<number> =>
    made.uid === uid ? fail(category, details) : made.uid;

describe('createKnownCollections', () => {
  it('asks once, and again when told to forget', async () => {
    const { known, asked } = server({ a: { uid: 1 } });
    for (let round = 0; round < 3; round++) expect(await known.on(VIA, 'a', uidOf)).toBe(1);
    expect(asked).toEqual(['a']);
    known.forget('a');
    expect(await known.on(VIA, 'a', uidOf)).toBe(1);
    expect(asked).toEqual(['a', 'a']);
  });

  it('takes what it is told to remember', async () => {
    const { known, asked } = server({});
    known.remember('a', { uid: 7 });
    expect(await known.on(VIA, 'a', uidOf)).toBe(7);
    expect(asked).toEqual([]);
  });

  it.each(['not_found', 'invalid_argument'] as const)(
    'does the work again after %s when the collection was made anew',
    async (category) => {
      const { known, asked, present } = server({ a: { uid: 1 } });
      await known.find(VIA, 'a');
      present.a = { uid: 2 };
      expect(await known.on(VIA, 'a', failingFor(1, category))).toBe(2);
      expect(await known.on(VIA, 'a', uidOf)).toBe(2);
      expect(asked).toEqual(['a', 'a']);
    },
  );

  it('gives the first error when the collection is the same, without doing the work again', async () => {
    const { known, asked } = server({ a: { uid: 1 } });
    await known.find(VIA, 'a');
    let worked = 0;
    const work = async () => {
      worked++;
      return fail('invalid_argument', { vendorCode: 'first' });
    };
    await expect(known.on(VIA, 'a', work)).rejects.toMatchObject({ vendorCode: 'first' });
    expect([worked, asked.length]).toEqual([1, 2]);
  });

  it('does the work again also when it failed before waiting for anything', async () => {
    const { known, present } = server({ a: { uid: 1 } });
    await known.find(VIA, 'a');
    present.a = { uid: 2 };
    expect(await known.on(VIA, 'a', ({ uid }) => (uid === 1 ? fail('not_found') : Promise.resolve(uid)))).toBe(2);
  });

  it('does not doubt what it was told a moment ago', async () => {
    const { known, asked } = server({ a: { uid: 1 } });
    await expect(known.on(VIA, 'a', failingFor(1, 'not_found'))).rejects.toMatchObject({ message: 'no' });
    expect(asked).toEqual(['a']);
  });

  it('does not ask after errors that say nothing of the collection', async () => {
    const { known, asked } = server({ a: { uid: 1 } });
    await known.find(VIA, 'a');
    await expect(known.on(VIA, 'a', failingFor(1, 'unavailable'))).rejects.toMatchObject({ category: 'unavailable' });
    await expect(known.on(VIA, 'a', () => Promise.reject(new TypeError('x')))).rejects.toThrow(TypeError);
    expect(asked).toEqual(['a']);
  });

  it("asks after errors that are a vendor's own signs", async () => {
    const { known, present } = server(
      { a: { uid: 1 } },
      { isOutdated: (error) => hasCategory(error, 'unavailable') && error.vendorCode === 'ENOTFOUND' },
    );
    await known.find(VIA, 'a');
    present.a = { uid: 2 };
    const work = failingFor(1, 'unavailable', { vendorCode: 'ENOTFOUND' });
    expect(await known.on(VIA, 'a', work)).toBe(2);
  });

  it('says that a collection is gone, and remembers nothing of it', async () => {
    const { known, asked, present } = server({ a: { uid: 1 } });
    await known.find(VIA, 'a');
    delete present.a;
    const gone = { category: 'not_found', message: 'There is no such collection.' };
    await expect(known.on(VIA, 'a', failingFor(1, 'invalid_argument'))).rejects.toMatchObject(gone);
    await expect(known.on(VIA, 'a', uidOf)).rejects.toMatchObject(gone);
    expect(asked).toEqual(['a', 'a', 'a']);
  });

  it('asks before work that what is remembered is too old for', async () => {
    const { known, asked, present } = server({ a: { uid: 1 } });
    const doubts = { isStale: ({ uid }: Made) => uid === 1 };
    await known.find(VIA, 'a');
    present.a = { uid: 2 };
    expect(await known.on(VIA, 'a', uidOf, doubts)).toBe(2);
    expect(await known.on(VIA, 'a', uidOf, doubts)).toBe(2);
    expect(asked).toEqual(['a', 'a']);
  });

  it('asks after work that found nothing, and does it again only when the collection was made anew', async () => {
    const { known, asked, present } = server({ a: { uid: 1 } });
    const worked: number[] = [];
    const idsOf = async ({ uid }: Made) => {
      worked.push(uid);
      return uid === 1 ? [] : ['x'];
    };
    const doubts = { foundNothing: (ids: readonly string[]) => ids.length === 0 };
    await known.find(VIA, 'a');
    expect(await known.on(VIA, 'a', idsOf, doubts)).toEqual([]);
    present.a = { uid: 2 };
    expect(await known.on(VIA, 'a', idsOf, doubts)).toEqual(['x']);
    expect(await known.on(VIA, 'a', idsOf, doubts)).toEqual(['x']);
    expect([worked, asked.length]).toEqual([[1, 1, 2, 2], 3]);
  });

  it('remembers only what it may keep', async () => {
    const { known, asked } = server(
      { a: { uid: 1, ours: true }, b: { uid: 2 } },
      { keep: ({ ours }) => ours === true },
    );
    for (const name of ['a', 'b', 'a', 'b']) await known.on(VIA, name, uidOf);
    expect(asked).toEqual(['a', 'b', 'b']);
  });

  it('answers whether a collection exists, from the server', async () => {
    const { known, present } = server({ a: { uid: 1 } });
    expect(await known.exists(VIA, 'a')).toBe(true);
    delete present.a;
    expect(await known.exists(VIA, 'a')).toBe(false);
    const broken = server({}, { find: async () => fail('unavailable') });
    await expect(broken.known.exists(VIA, 'a')).rejects.toMatchObject({ category: 'unavailable' });
  });

  it('remembers a thousand, and with one more begins anew', async () => {
    const { known, asked } = server({ a: { uid: 1 } });
    await known.find(VIA, 'a');
    for (let uid = 2; uid <= 1_000; uid++) known.remember(`of ${uid}`, { uid });
    await known.on(VIA, 'a', uidOf);
    expect(asked).toEqual(['a']);
    known.remember('one more', { uid: 1_001 });
    await known.on(VIA, 'a', uidOf);
    expect(asked).toEqual(['a', 'a']);
  });
});
