import type { Origin } from './calls.ts';
import type { Capabilities } from './capabilities.ts';
import { ConnectorError } from './connector.error.ts';
import type {
  CollectionSpec,
  HybridRequest,
  Metric,
  QueryRequest,
  ScanRequest,
  VectorRecord,
} from './connector.port.ts';
import { idProblem } from './ids.ts';
import { isPlainText, metadataProblem } from './metadata.ts';
import { collectionNameProblem } from './names.ts';
import { vectorProblem } from './vectors.ts';

/** UTF-8 bytes of a record's text. */
export const DOCUMENT_BYTES_MAX = 1024 * 1024;
export const SCAN_PAGE_SIZE_MAX = 10_000;
/** UTF-8 bytes of the words of a hybrid query. */
export const HYBRID_TEXT_BYTES_MAX = 8192;

/** What a collection's vectors must be. */
export interface VectorShape {
  readonly dimension: number | null;
  readonly metric: Metric | null;
}

/** Refuses a request that some server would misread, before anything is sent. */
export function refuse(origin: Origin, problem: string | undefined): void {
  if (problem !== undefined) throw new ConnectorError('invalid_argument', origin, problem);
}

/** Checks all records, so that a bad one is found before anything is written. */
export function checkRecords(origin: Origin, records: readonly VectorRecord[], shape: VectorShape): void {
  for (const [index, record] of records.entries()) {
    const problem =
      idProblem(record.id) ??
      vectorProblem(record.vector, shape.dimension, shape.metric) ??
      (record.metadata && metadataProblem(record.metadata)) ??
      documentProblem(record.document);
    refuse(origin, problem && `records[${index}]: ${problem}`);
  }
}

export function checkIds(origin: Origin, ids: readonly string[]): void {
  for (const [index, id] of ids.entries()) {
    const problem = idProblem(id);
    refuse(origin, problem && `ids[${index}]: ${problem}`);
  }
}

export function checkQuery(origin: Origin, request: QueryRequest, shape: VectorShape, topKMax: number): void {
  const { topK, vector, id } = request;
  checkTopK(origin, topK, topKMax);
  if ((vector === undefined) === (id === undefined)) refuse(origin, 'a query takes either a vector or an id');
  refuse(origin, vector ? vectorProblem(vector, shape.dimension, shape.metric) : idProblem(id));
}

export function checkHybrid(origin: Origin, request: HybridRequest, shape: VectorShape, topKMax: number): void {
  const { topK, vector, text, vectorWeight = 0 } = request;
  checkTopK(origin, topK, topKMax);
  refuse(origin, vectorProblem(vector, shape.dimension, shape.metric));
  if (typeof text !== 'string' || !isPlainText(text)) refuse(origin, 'text must be Unicode text without NUL');
  if (Buffer.byteLength(text) > HYBRID_TEXT_BYTES_MAX) {
    refuse(origin, `text is longer than ${HYBRID_TEXT_BYTES_MAX} bytes`);
  }
  if (!(vectorWeight >= 0 && vectorWeight <= 1)) refuse(origin, 'vectorWeight must be from 0 to 1');
}

function checkTopK(origin: Origin, topK: number, topKMax: number): void {
  if (!Number.isInteger(topK) || topK < 1 || topK > topKMax) refuse(origin, `topK must be from 1 to ${topKMax}`);
}

export function checkScan(origin: Origin, request: ScanRequest): void {
  const { pageSize } = request;
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > SCAN_PAGE_SIZE_MAX) {
    refuse(origin, `pageSize must be from 1 to ${SCAN_PAGE_SIZE_MAX}`);
  }
}

export function checkCollectionSpec(origin: Origin, spec: CollectionSpec, capabilities: Capabilities): void {
  refuse(origin, collectionNameProblem(spec.name));
  const { dimension, metric } = spec;
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > capabilities.maxDimension) {
    refuse(origin, `dimension must be from 1 to ${capabilities.maxDimension}`);
  }
  if (!capabilities.metrics.includes(metric)) {
    throw new ConnectorError('unsupported', origin, `This server has no metric ${JSON.stringify(metric)}.`);
  }
}

function documentProblem(document: string | undefined): string | undefined {
  if (document === undefined) return undefined;
  if (!isPlainText(document)) return 'document must be Unicode text without NUL';
  return Buffer.byteLength(document) > DOCUMENT_BYTES_MAX
    ? `document is longer than ${DOCUMENT_BYTES_MAX} bytes`
    : undefined;
}
