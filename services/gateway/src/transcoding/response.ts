import { type JsonObject, type Message, type Registry, toJson } from '@bufbuild/protobuf';
import type { Binding } from '../routing/binding.ts';
import { inputOnlyEraser } from './input-only.ts';

/** The body of an answer, and its entity tag if the resource has one. */
export interface ResponseBody {
  readonly json: string;
  readonly etag: string | undefined;
}

/** Writes the response messages of one binding as JSON. */
export type ResponseWriter = (message: Message) => ResponseBody;

/**
 * Compiles the writer of a binding. Fields that have no presence are always written, so that a client reads
 * `"isActive":false` and `"hits":[]`, except for secrets; the registry knows what stands in `Any`.
 */
export function createResponseWriter({ method, responseField }: Binding, registry: Registry): ResponseWriter {
  const options = { registry, alwaysEmitImplicit: true };
  const erase = inputOnlyEraser(method.output);
  return (message) => {
    const whole = toJson(method.output, message, options);
    erase?.(whole);
    const body = responseField === undefined ? whole : (whole as JsonObject)[responseField.jsonName];
    return { json: JSON.stringify(body ?? null), etag: etagOf(body) };
  };
}

const ENTITY_TAG = /^[\x21\x23-\x7e]+$/;

function etagOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('etag' in body)) return undefined;
  const { etag } = body;
  return typeof etag === 'string' && ENTITY_TAG.test(etag) ? `"${etag}"` : undefined;
}
