export * from './connector.error.ts';
export * from './connector.port.ts';
export * from './filter/filter.ts';
export { compareText, matches } from './filter/matches.ts';
export { type NormalFilter, normaliseFilter } from './filter/normalise-filter.ts';
export { parseFilter } from './filter/parse-filter.ts';
export * from './metadata.ts';
export { cleanText, createRedactor } from './redact.ts';
