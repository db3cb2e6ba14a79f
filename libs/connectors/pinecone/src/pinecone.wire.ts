import { type Call, createRedactor, type ServerSettings } from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { type Index, Pinecone } from '@pinecone-database/pinecone';
import { pineconeError, refusalError } from './pinecone.errors.ts';
import { indexHost } from './pinecone.host.ts';
import type { PineconeOptions } from './pinecone.options.ts';
import { PineconeRoutes, type Route } from './pinecone.routes.ts';

const SOURCE_TAG = 'morag';

/** One call's way to the server: the SDK, whose every request ends with the call. */
export interface PineconeSession {
  readonly control: Pinecone;
  /** The SDK's handle of an index at the host that was described for it; making one asks nothing of the server. */
  index(described: string): Index;
  /** Sequence number of the last write of this call, where the server gives one. */
  written?: number;
  /** Sequence number up to which the last query of this call saw the namespace. */
  indexed?: number;
}

/** Pinecone over HTTP. */
export interface PineconeWire {
  run<T>(call: Call, work: (session: PineconeSession) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function createPineconeWire(settings: ServerSettings, options: PineconeOptions, egress: Egress): PineconeWire {
  const redact = createRedactor([settings.apiKey]);
  const routes = new PineconeRoutes(settings, options, egress);

  function open(call: Call): PineconeSession {
    const send = async (url: string, init: RequestInit, route: Route): Promise<Response> => {
      const { pathname, search } = new URL(url);
      const { statusCode, headers, body } = await route.dispatcher.request({
        origin: route.origin,
        path: pathname + search,
        method: init.method === 'POST' || init.method === 'DELETE' ? init.method : 'GET',
        headers: { ...(init.headers as Record<string, string>), host: route.authority, 'accept-encoding': 'identity' },
        body: init.body as string | undefined,
        signal: call.signal,
      });
      const text = await body.text();
      if (statusCode >= 300) throw refusalError({ status: statusCode, headers, body: text }, call, redact);
      // Of several writes at once the last counts.
      session.written = highest(session.written, sequenceNumber(headers['x-pinecone-request-lsn']));
      session.indexed = sequenceNumber(headers['x-pinecone-max-indexed-lsn']);
      return answerOf(statusCode, text);
    };
    const client = (basis: string, route: Route) =>
      new Pinecone({
        apiKey: settings.apiKey ?? '',
        controllerHostUrl: basis,
        // Repetitions are the connector's business: the SDK's would not end with the call.
        maxRetries: 0,
        sourceTag: SOURCE_TAG,
        fetchApi: (url, init) => send(String(url), init ?? {}, route),
      });
    const session: PineconeSession = {
      control: client(routes.control.origin, routes.control),
      index(described) {
        const at = indexHost(described, settings, options, call);
        const basis = `${routes.scheme}://${at.authority}`;
        return client(basis, routes.toIndex(at)).index({ host: basis, namespace: options.namespace });
      },
    };
    return session;
  }

  return {
    async run(call, work) {
      try {
        return await work(open(call));
      } catch (error) {
        throw pineconeError(error, call, redact);
      }
    },
    close: () => routes.close(),
  };
}

/** All that the SDK reads of a `Response`, which would copy the body for each of its readers. */
function answerOf(status: number, text: string): Response {
  const answer = {
    ok: true,
    status,
    headers: new Headers(),
    text: async () => text,
    json: async (): Promise<unknown> => JSON.parse(text),
    clone: () => answer,
  };
  return answer as unknown as Response;
}

function sequenceNumber(header: string | string[] | undefined): number | undefined {
  const value = typeof header === 'string' && header !== '' ? Number(header) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

function highest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}
