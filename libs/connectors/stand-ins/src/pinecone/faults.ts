import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';

/** What goes wrong with every request, until it is set otherwise. */
export type PineconeFault =
  | { readonly kind: 'none' }
  /** Refuses with this status, as the planes do. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterSeconds?: number; readonly only?: RegExp }
  /** Answers late. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Breaks off in the middle of an answer's body: of the next one alone, or of all. */
  | { readonly kind: 'truncated'; readonly once?: boolean }
  /** Gives vectors of one dimension less than the index has. */
  | { readonly kind: 'wrongDimension' };

const CODES: Readonly<Record<number, string>> = { 429: 'RESOURCE_EXHAUSTED', 500: 'INTERNAL', 503: 'UNAVAILABLE' };

/** Waits, or names what is answered in the place of the service. */
export async function beforeAnswering(fault: PineconeFault, request: FastifyRequest): Promise<Trouble | undefined> {
  if (fault.kind === 'slow') await delay(fault.delayMs);
  if (fault.kind !== 'status' || (fault.only && !fault.only.test(request.url))) return undefined;
  const { status, retryAfterSeconds } = fault;
  return { status, code: CODES[status] ?? 'UNKNOWN', retryAfterSeconds };
}

export interface Trouble {
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds?: number;
}

/** The body as it goes out. */
export function spoil(fault: PineconeFault, body: string): string {
  if (fault.kind !== 'wrongDimension') return body;
  const shortened: unknown = JSON.parse(body, (key, value: unknown) =>
    key === 'values' && Array.isArray(value) ? value.slice(0, -1) : value,
  );
  return JSON.stringify(shortened);
}

/** Makes this response end its connection in the middle of its body. */
export function breakOff(response: ServerResponse): void {
  response.end = (body?: unknown) => {
    const text = typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.from(body as string) : Buffer.alloc(0);
    response.write(text.subarray(0, Math.ceil(text.length / 2)), () => response.destroy());
    return response;
  };
}
