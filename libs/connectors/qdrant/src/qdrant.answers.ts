import { ConnectorError, type Origin } from '@morag/connectors-core';
import type { z } from 'zod';

export type NativeId = string | number | bigint;

/** A point as the server gives it; what it holds is looked at where it is used. */
export interface Point {
  readonly id: NativeId;
  readonly score?: unknown;
  readonly payload?: Readonly<Record<string, unknown>> | null;
  readonly vector?: unknown;
}

/** The `result` of an answer in its expected form; anything else there is not Qdrant. */
export function parseResult<T>(schema: z.ZodType<T>, body: unknown, origin: Origin): T {
  const parsed = schema.safeParse(resultOf(body));
  if (!parsed.success) throw notQdrant(origin);
  return parsed.data;
}

/** `result`, or a list below it, as points. Looked at by hand: a schema takes longer than the server over many of them. */
export function parsePoints(body: unknown, origin: Origin, field?: 'points'): readonly Point[] {
  const result = resultOf(body);
  const points = field && isObject(result) ? result[field] : result;
  if (!Array.isArray(points) || !points.every(isPoint)) throw notQdrant(origin);
  return points;
}

/** Where a scroll goes on. */
export function parseNextOffset(body: unknown, origin: Origin): NativeId | null {
  const result = resultOf(body);
  const next = isObject(result) ? (result.next_page_offset ?? null) : undefined;
  if (next !== null && !isNativeId(next)) throw notQdrant(origin);
  return next;
}

/** Refuses a write that the server has put off: only a completed one is seen by the next read and survives a crash. */
export function checkWritten(body: unknown, origin: Origin): void {
  const result = resultOf(body);
  if (!isObject(result)) throw notQdrant(origin);
  if (result.status === 'completed') return;
  throw new ConnectorError('timeout', origin, 'The server took the write, but did not complete it in time.');
}

/** A number of the server's, which a large one without a fraction may reach us as BigInt; null when there is none. */
export function numberOf(value: unknown): number | null {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : null;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isNativeId(value: unknown): value is NativeId {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
}

export function notQdrant(origin: Origin): ConnectorError {
  return new ConnectorError('protocol', origin, 'What answers there is not Qdrant.');
}

function resultOf(body: unknown): unknown {
  return isObject(body) ? body.result : undefined;
}

function isPoint(value: unknown): value is Point {
  return isObject(value) && isNativeId(value.id) && (value.payload == null || isObject(value.payload));
}
