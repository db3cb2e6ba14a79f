import { describe, expect, it } from '@jest/globals';
import type { Include, StoredRecord } from './connector.port.ts';
import { fetchByIds, queryVector } from './stored-records.ts';

const ORIGIN = { vendor: 'chroma', operation: 'fetch' } as const;
const VECTOR = Float32Array.of(1, 2);

/** A server with these records, and what was asked of it. */
function server(...stored: readonly StoredRecord[]) {
  const asked: { ids: readonly string[]; include: Include }[] = [];
  const fetch = async (ids: readonly string[], include: Include) => {
    asked.push({ ids, include });
    return new Map(stored.filter(({ id }) => ids.includes(id)).map((record) => [record.id, record]));
  };
  return { fetch, asked };
}

describe('fetchByIds', () => {
  it('answers in the order asked for, each id once, and names those that are missing', async () => {
    const { fetch, asked } = server({ id: 'a' }, { id: 'b' });
    const include = { vector: true };
    const result = await fetchByIds(ORIGIN, ['b', 'x', 'a', 'b', 'x'], include, fetch);
    expect(result).toEqual({ records: [{ id: 'b' }, { id: 'a' }], missing: ['x'] });
    expect(asked).toEqual([{ ids: ['b', 'x', 'a'], include }]);
  });

  it('refuses ids that are none before it asks', async () => {
    const { fetch, asked } = server();
    await expect(fetchByIds(ORIGIN, ['a', ''], {}, fetch)).rejects.toMatchObject({ category: 'invalid_argument' });
    expect(asked).toEqual([]);
  });
});

describe('queryVector', () => {
  it('takes the vector of the query without asking', async () => {
    const { fetch, asked } = server();
    expect(await queryVector(ORIGIN, { vector: VECTOR }, fetch)).toBe(VECTOR);
    expect(asked).toEqual([]);
  });

  it('asks for that of a record, and for nothing else of it', async () => {
    const { fetch, asked } = server({ id: 'a', vector: VECTOR });
    expect(await queryVector(ORIGIN, { id: 'a' }, fetch)).toBe(VECTOR);
    expect(asked).toEqual([{ ids: ['a'], include: { vector: true, metadata: false, document: false } }]);
  });

  it('says when there is no such record', async () => {
    const failure = { category: 'not_found', vendorCode: 'RECORD_NOT_FOUND' };
    await expect(queryVector(ORIGIN, { id: 'b' }, server({ id: 'a' }).fetch)).rejects.toMatchObject(failure);
  });
});
