import type { Call, ServerSettings } from '@morag/connectors-core';
import { type Egress, type TlsOptions, urlHost } from '@morag/egress';
import { RestFailure } from './weaviate.errors.ts';

const ERROR_TEXT_LENGTH_MAX = 4096;

export type Method = 'GET' | 'POST' | 'DELETE';

/** The REST API without the SDK, whose `fetch` resolves the host by itself, follows redirects and knows no signal. */
export interface Rest {
  /** Below `/v1`. */
  request(call: Call, method: Method, path: string, body?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

export function createRest(
  { host, port, apiKey }: ServerSettings,
  { prefix, connections, tls }: { prefix: string; connections: number; tls: TlsOptions | undefined },
  egress: Egress,
): Rest {
  const dispatcher = egress.dispatcher({ host, port, tls, connections });
  const origin = `${tls ? 'https' : 'http'}://${urlHost(host)}:${port}`;
  const headers = {
    'accept-encoding': 'identity',
    'content-type': 'application/json',
    ...(apiKey && { authorization: `Bearer ${apiKey}` }),
  };
  return {
    async request(call, method, path, body) {
      const {
        statusCode,
        headers: answered,
        body: stream,
      } = await dispatcher.request({
        origin,
        path: `${prefix}/v1${path}`,
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: call.signal,
      });
      const text = await stream.text();
      if (statusCode >= 300) throw new RestFailure(statusCode, answered, errorText(text));
      return text === '' ? undefined : JSON.parse(text);
    },
    close: () => dispatcher.destroy(),
  };
}

/** `{"error": [{"message": …}]}`, or whatever else stands there. */
function errorText(body: string): string {
  const text = body.slice(0, ERROR_TEXT_LENGTH_MAX);
  try {
    const { error, message } = JSON.parse(text) as { error?: unknown; message?: unknown };
    if (Array.isArray(error)) return error.map((each) => String((each as { message?: unknown }).message)).join('; ');
    if (typeof message === 'string') return message;
  } catch {
    // Not JSON: the text itself is what there is.
  }
  return text;
}
