import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fold, sequenceOf, takeWindow } from './fold.ts';
import { countOf, type LogEntry, type Mutation } from './mutation.ts';

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const upsert = fc.array(id, { minLength: 1, maxLength: 4 }).map((ids): Mutation => {
  const vector = Float32Array.of(1);
  return { kind: 'UPSERT', records: ids.map((each) => ({ id: each, vector, document: `${each}${Math.random()}` })) };
});
const remove = fc.array(id, { minLength: 1, maxLength: 3 }).map((ids): Mutation => ({ kind: 'DELETE', ids }));
const log = fc
  .array(fc.oneof(upsert, remove), { minLength: 1, maxLength: 12 })
  .map((mutations) => mutations.map((mutation, at): LogEntry => ({ sequence: at + 1, mutation, sizeBytes: 10 })));

function replay(entries: readonly LogEntry[], state = new Map<string, string | undefined>()) {
  for (const { mutation } of entries) {
    if (mutation.kind === 'UPSERT') for (const record of mutation.records) state.set(record.id, record.document);
    else for (const each of mutation.ids) state.delete(each);
  }
  return state;
}

describe('folded mutations', () => {
  it('leave what replaying them one by one leaves, each id once', () => {
    fc.assert(
      fc.property(log, log, (before, entries) => {
        const { upserts, deletes, through } = fold(entries);
        const state = replay(before);
        for (const each of deletes) state.delete(each);
        for (const record of upserts) state.set(record.id, record.document);
        expect(state).toEqual(replay(entries, replay(before)));
        const ids = [...upserts.map((record) => record.id), ...deletes];
        expect(new Set(ids).size).toBe(ids.length);
        expect(through).toBe(entries.length);
      }),
    );
  });

  it('know which mutation decided about a record', () => {
    fc.assert(
      fc.property(log, id, (entries, each) => {
        const sequence = sequenceOf(entries, each);
        const later = entries.filter((entry) => entry.sequence > sequence);
        expect(fold(later).upserts.some((record) => record.id === each)).toBe(false);
        expect(fold(later).deletes).not.toContain(each);
      }),
    );
  });

  it('are as many as the limits allow, and at least one', () => {
    fc.assert(
      fc.property(
        log,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 100 }),
        (entries, recordsMax, bytesMax) => {
          const window = takeWindow(entries, { recordsMax, bytesMax });
          const fits = (taken: readonly LogEntry[]): boolean =>
            taken.reduce((sum, { mutation }) => sum + countOf(mutation), 0) <= recordsMax &&
            taken.length * 10 <= bytesMax;
          expect(window).toEqual(entries.slice(0, window.length));
          expect(window.length === 1 || fits(window)).toBe(true);
          expect(window.length === entries.length || !fits(entries.slice(0, window.length + 1))).toBe(true);
        },
      ),
    );
  });
});
