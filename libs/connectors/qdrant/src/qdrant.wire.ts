import { type Call, ConnectorError, createRedactor, type ServerSettings, tlsOf } from '@morag/connectors-core';
import { type Answer, type Egress, observing, urlHost } from '@morag/egress';
import { QdrantClient } from '@qdrant/js-client-rest';
import { qdrantError } from './qdrant.errors.ts';
import type { QdrantOptions } from './qdrant.options.ts';

/** The SDK's own operations, one for each endpoint. */
export type QdrantApi = ReturnType<QdrantClient['api']>;

/** An operation of the SDK with what makes it keep our rules; `init` has to be handed on. */
export type QdrantRequest<T> = (api: QdrantApi, init: RequestInit) => Promise<{ readonly data: T }>;

/** Qdrant over HTTP. */
export interface QdrantWire {
  /** The body of one answer, whatever shape it has. */
  ask<T>(call: Call, request: QdrantRequest<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * The SDK's operations take a `RequestInit`, which is how our sockets get below it; its own agent opens none. Without a
 * timeout of its own it leaves the call's signal in place. The key goes into a header of ours, since the SDK would warn
 * about plain HTTP on the console, and the port has to be given apart from the URL, or 443 becomes 6333.
 */
export function createQdrantWire(settings: ServerSettings, options: QdrantOptions, egress: Egress): QdrantWire {
  const { host, port, apiKey } = settings;
  const tls = tlsOf(settings.tls, options);
  const dispatcher = egress.dispatcher({ host, port, tls, connections: options.connections });
  const redact = createRedactor([apiKey, settings.password]);
  const api = new QdrantClient({
    url: `${tls ? 'https' : 'http'}://${urlHost(host)}`,
    port,
    prefix: options.prefix,
    checkCompatibility: false,
    timeout: Number.POSITIVE_INFINITY,
    headers: { 'accept-encoding': 'identity', ...(apiKey && { 'api-key': apiKey }) },
  }).api();

  return {
    async ask(call, request) {
      const answer: Answer = {};
      // `dispatcher` is undici's addition to what fetch takes.
      const init: RequestInit & { dispatcher: unknown } = {
        signal: call.signal,
        redirect: 'manual',
        dispatcher: observing(dispatcher, answer),
      };
      try {
        return (await request(api, init)).data;
      } catch (error) {
        throw error instanceof ConnectorError ? error : qdrantError(error, call, answer, redact);
      }
    },
    close: () => dispatcher.destroy(),
  };
}
