import { expect } from '@jest/globals';
import type { AllServices, Person } from './all-services.ts';

/** What came back over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A request to the gateway; a body that is no text or form is sent as JSON. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** What a refusal says. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  /** One of the fields at fault; undefined where no field is. */
  readonly field?: string | undefined;
}

/** Sends a request over a real socket as somebody. */
export async function send({ gateway }: AllServices, { token }: Person, request: HttpRequest): Promise<HttpAnswer> {
  const { method, path, body } = request;
  const isRaw = typeof body === 'string' || body instanceof Uint8Array || body instanceof FormData;
  const type = body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' };
  const headers = { authorization: `Bearer ${token}`, ...type, ...request.headers };
  const content = body === undefined ? {} : { body: (isRaw ? body : JSON.stringify(body)) as string | FormData };
  const response = await fetch(gateway + path, { method, headers, ...content });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} };
}

/** Expects problem details with this reason, a request id that is the answer's own, and the field at fault. */
export function expectRefusal({ status, headers, body }: HttpAnswer, { reason, field, ...expected }: Refusal): void {
  expect({ status, type: body.type, body }).toMatchObject({
    status: expected.status,
    type: `urn:morag:error:${reason}`,
    body: { status: expected.status, title: expect.any(String), detail: expect.any(String) },
  });
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(body.requestId).toBe(headers.get('x-request-id'));
  expect(body.requestId).not.toBe('');
  const violations = (body.violations ?? []) as { field: string }[];
  if (field !== undefined) expect(violations.map((violation) => violation.field)).toContain(field);
}
