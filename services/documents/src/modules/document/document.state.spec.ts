import { describe, expect, it } from '@jest/globals';
import { DOCUMENT_STATES, type DocumentEvent, isSearchable, nextDocumentState } from './document.state.ts';

/** Every pair of state and event that leads somewhere; all others are refused. */
const ALLOWED: readonly (readonly [string, DocumentEvent, string])[] = [
  ['PENDING', 'upload', 'PENDING'],
  ['INGESTING', 'upload', 'PENDING'],
  ['INGESTED', 'upload', 'PENDING'],
  ['PENDING', 'begin', 'INGESTING'],
  ['INGESTING', 'complete', 'INGESTED'],
  ['PENDING', 'interrupt', 'PENDING'],
  ['INGESTING', 'interrupt', 'PENDING'],
  ['INGESTED', 'deprecate', 'DEPRECATED'],
  ['DEPRECATED', 'restore', 'INGESTED'],
  ...DOCUMENT_STATES.map((state) => [state, 'delete', 'DELETED'] as const),
];
const EVENTS: readonly DocumentEvent[] = ['upload', 'begin', 'complete', 'interrupt', 'deprecate', 'restore', 'delete'];
const MATRIX = DOCUMENT_STATES.flatMap((state) => EVENTS.map((event) => ({ state, event })));

describe('document states', () => {
  it.each(MATRIX)('$state on $event', ({ state, event }) => {
    const to = ALLOWED.find(([from, on]) => from === state && on === event)?.[2];
    let outcome: unknown;
    try {
      outcome = nextDocumentState(state, event);
    } catch (error) {
      outcome = (error as { reason: string }).reason;
    }
    expect(outcome).toBe(to ?? 'INVALID_DOCUMENT_STATE');
  });

  it('keeps the last good version in search until the document is deprecated or deleted', () => {
    expect(DOCUMENT_STATES.filter(isSearchable)).toEqual(['PENDING', 'INGESTING', 'INGESTED']);
  });
});
