import type { ConformanceCase } from '../conformance-case.ts';
import { COLLECTION_CASES } from './collection.cases.ts';
import { FAULT_CASES } from './fault.cases.ts';
import { FILTER_CASES } from './filter.cases.ts';
import { HOSTILE_CASES } from './hostile.cases.ts';
import { HYBRID_CASES } from './hybrid.cases.ts';
import { MAINTENANCE_CASES } from './maintenance.cases.ts';
import { NAMESPACE_CASES } from './namespace.cases.ts';
import { QUERY_CASES } from './query.cases.ts';
import { RECORD_CASES } from './record.cases.ts';
import { SERVER_CASES } from './server.cases.ts';

/** Every case, by its number. */
export const CASES: readonly ConformanceCase[] = [
  ...SERVER_CASES,
  ...COLLECTION_CASES,
  ...RECORD_CASES,
  ...QUERY_CASES,
  ...FILTER_CASES,
  ...MAINTENANCE_CASES,
  ...FAULT_CASES,
  ...HOSTILE_CASES,
  ...HYBRID_CASES,
  ...NAMESPACE_CASES,
].toSorted((a, b) => a.id - b.id);
