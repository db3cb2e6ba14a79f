export * from './batches.ts';
export * from './calls.ts';
export type { Capabilities } from './capabilities.ts';
export * from './collections.ts';
export * from './connector.error.ts';
export * from './connector.port.ts';
export { decodeCursor, encodeCursor, isOffset, isText, pagePosition } from './cursor.ts';
export * from './export-all.ts';
export * from './filter/filter.ts';
export { compareText, matches } from './filter/matches.ts';
export { type NormalFilter, normaliseFilter } from './filter/normalise-filter.ts';
export { parseFilter } from './filter/parse-filter.ts';
export {
  conjunction,
  disjunction,
  inexact,
  type Superset,
  type Translation,
  toSuperset,
} from './filter/superset.ts';
export { fuse, fusedQuery, type HybridLegs } from './hybrid/fuse.ts';
export { allWords, rankByWords, wordsOf } from './hybrid/words.ts';
export { ID_BYTES_MAX, idProblem, uuidOfId } from './ids.ts';
export { createKnownCollections, type Doubts, type KnownCollections } from './known-collections.ts';
export * from './metadata.ts';
export * from './names.ts';
export * from './network-errors.ts';
export * from './options.ts';
export { cleanText, createRedactor } from './redact.ts';
export * from './requests.ts';
export * from './score.ts';
export { isAtLeast } from './server-version.ts';
export { type FetchRecords, fetchByIds, noSuchRecord, queryVector } from './stored-records.ts';
export * from './vectors.ts';
export * from './vendor.module.ts';
