import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CorruptMutation, decodeMutation, encodeDelete, encodeUpsert } from './mutation.codec.ts';

const text = fc.string({ unit: 'binary', maxLength: 300 });
const records = fc.integer({ min: 1, max: 40 }).chain((dimension) =>
  fc.array(
    fc.record({
      id: text,
      vector: fc.array(fc.float({ noNaN: true }), { minLength: dimension, maxLength: dimension }),
      metadata: fc.option(fc.dictionary(text, fc.oneof(text, fc.boolean(), fc.integer())), { nil: undefined }),
      document: fc.option(text, { nil: undefined }),
    }),
    { minLength: 1, maxLength: 30 },
  ),
);

/** As PostgreSQL's driver hands it over: somewhere in a larger buffer. */
function misaligned(payload: Buffer): Buffer {
  const larger = Buffer.alloc(payload.length + 1);
  payload.copy(larger, 1);
  return larger.subarray(1);
}

describe('a stored mutation', () => {
  it('is what was written, wherever it lies in memory', () => {
    fc.assert(
      fc.property(records, (given) => {
        const { mutation, payload } = encodeUpsert(given);
        const expected = {
          kind: 'UPSERT',
          records: given.map((record) => ({ ...record, vector: Float32Array.from(record.vector) })),
        };
        const json = JSON.parse(JSON.stringify(given.map(({ metadata }) => metadata ?? null))) as unknown[];
        for (const read of [mutation, decodeMutation(payload), decodeMutation(misaligned(payload))]) {
          expect({ ...read, records: undefined }).toEqual({ kind: 'UPSERT' });
          if (read.kind !== 'UPSERT') throw new Error('another kind');
          expect(read.records.map(({ id, vector, document }) => ({ id, vector, document }))).toEqual(
            expected.records.map(({ id, vector, document }) => ({ id, vector, document })),
          );
          expect(read.records.map(({ metadata }) => metadata ?? null)).toEqual(json);
        }
      }),
    );
  });

  it('of deletes is its ids', () => {
    fc.assert(
      fc.property(fc.array(text), (ids) => {
        expect(decodeMutation(encodeDelete(ids).payload)).toEqual({ kind: 'DELETE', ids });
      }),
    );
  });

  it('is refused when a bit is wrong or a part is missing', () => {
    const { payload } = encodeUpsert([{ id: 'a', vector: [1, 2], metadata: { a: 1 }, document: 'text' }]);
    fc.assert(
      fc.property(fc.nat(payload.length - 1), fc.nat(7), (at, bit) => {
        const damaged = Buffer.from(payload);
        damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << bit), at);
        expect(() => decodeMutation(damaged)).toThrow(CorruptMutation);
        expect(() => decodeMutation(payload.subarray(0, at))).toThrow(CorruptMutation);
      }),
    );
  });
});
