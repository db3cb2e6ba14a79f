import {
  idProblem,
  isPlainText,
  type Metric,
  metadataProblem,
  type Vector,
  type VectorRecord,
  vectorProblem,
} from '@morag/connectors-core';
import { DomainError, type ReasonName, type Violation } from '@morag/errors';

/** What a database's vectors must be. */
export interface VectorShape {
  readonly dimension: number;
  readonly metric: Metric;
}

interface Problem extends Violation {
  readonly reason: ReasonName;
}

/** So many are told at once. */
const VIOLATIONS_MAX = 20;

/** Refuses records that no placement may ever see: what is in the log has to be applicable everywhere. */
export function checkRecords(records: readonly VectorRecord[], shape: VectorShape): void {
  const problems: Problem[] = [];
  for (const [index, record] of records.entries()) {
    const problem = recordProblem(record, shape);
    if (problem) problems.push({ ...problem, field: `records[${index}].${problem.field}` });
    if (problems.length === VIOLATIONS_MAX) break;
  }
  refuse(problems);
}

/** Refuses a query vector: DIMENSION_MISMATCH, INVALID_VECTOR. */
export function checkVector(vector: Vector, shape: VectorShape): void {
  const problem = checkedVector(vector, shape);
  if (problem) refuse([problem]);
}

/** Refuses ids that no record can have. */
export function checkIds(ids: readonly string[]): void {
  const problems: Problem[] = [];
  for (const [index, id] of ids.entries()) {
    const description = idProblem(id);
    if (description) problems.push({ reason: 'INVALID_ARGUMENT', field: `ids[${index}]`, description });
  }
  refuse(problems.slice(0, VIOLATIONS_MAX));
}

function recordProblem({ id, vector, metadata, document }: VectorRecord, shape: VectorShape): Problem | undefined {
  const ofId = idProblem(id);
  if (ofId) return { reason: 'INVALID_ARGUMENT', field: 'id', description: ofId };
  const ofVector = checkedVector(vector, shape);
  if (ofVector) return ofVector;
  const ofMetadata = metadata && metadataProblem(metadata);
  if (ofMetadata) return { reason: 'INVALID_ARGUMENT', field: 'metadata', description: ofMetadata };
  if (document === undefined || isPlainText(document)) return undefined;
  return { reason: 'INVALID_ARGUMENT', field: 'text', description: 'text must be Unicode without NUL' };
}

function checkedVector(vector: Vector, { dimension, metric }: VectorShape): Problem | undefined {
  const description = vectorProblem(vector, dimension, metric);
  if (!description) return undefined;
  const reason = vector.length === dimension ? 'INVALID_VECTOR' : 'DIMENSION_MISMATCH';
  return { reason, field: 'vector', description };
}

function refuse(problems: readonly Problem[]): void {
  const [first] = problems;
  if (!first) return;
  const violations = problems.map(({ field, description }) => ({ field, description }));
  throw new DomainError(first.reason, `${first.field}: ${first.description}.`, { violations });
}
