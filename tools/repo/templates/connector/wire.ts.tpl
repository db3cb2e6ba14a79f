import { type Call, ConnectorError, createRedactor, type ServerSettings, tlsOf } from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import type { z } from 'zod';
import { __vendor__Error, __Vendor__Refusal } from './__vendor__.errors.ts';
import type { __Vendor__Options } from './__vendor__.options.ts';

/** Requests to one server. An SDK on `fetch` takes the same dispatcher. */
export interface __Vendor__Wire {
  /** The answer in the form of `schema`; rejects only with a `ConnectorError`. */
  request<T>(call: Call, method: 'GET' | 'POST' | 'DELETE', path: string, schema: z.ZodType<T>, body?: unknown): Promise<T>;
  close(): Promise<void>;
}

export function create__Vendor__Wire(settings: ServerSettings, options: __Vendor__Options, egress: Egress): __Vendor__Wire {
  const { host, port, apiKey, password } = settings;
  const tls = tlsOf(settings.tls, options);
  const dispatcher = egress.dispatcher({ host, port, tls, connections: options.connections });
  const origin = `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const redact = createRedactor([apiKey, password]);
  // The egress module refuses compressed answers.
  const headers: Record<string, string> = { 'content-type': 'application/json', 'accept-encoding': 'identity' };
  if (apiKey) headers.authorization = `Bearer ${apiKey}`;

  return {
    async request(call, method, path, schema, body) {
      try {
        const { signal } = call;
        const sent = body === undefined ? undefined : JSON.stringify(body);
        const answer = await dispatcher.request({ origin, path, method, headers, body: sent, signal });
        const text = await answer.body.text();
        if (answer.statusCode >= 300) {
          const retryAfter = answer.headers['retry-after'];
          throw new __Vendor__Refusal(answer.statusCode, text, typeof retryAfter === 'string' ? retryAfter : undefined);
        }
        const parsed = schema.safeParse(JSON.parse(text));
        if (!parsed.success) throw new ConnectorError('protocol', call, 'What answers there is not __Vendor__.');
        return parsed.data;
      } catch (error) {
        throw error instanceof ConnectorError ? error : __vendor__Error(error, call, redact);
      }
    },
    close: () => dispatcher.destroy(),
  };
}
