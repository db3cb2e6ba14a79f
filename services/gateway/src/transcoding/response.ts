import type { Message } from '@bufbuild/protobuf';
import type { Binding } from '../routing/binding.ts';
import type { JsonWriter, JsonWriters } from './encode-message.ts';
import { getField, type OpenMessage } from './message.ts';

/** The body of an answer, and its entity tag if the resource has one. */
export interface ResponseBody {
  readonly json: string;
  readonly etag: string | undefined;
}

/** Writes the response messages of one binding. */
export type ResponseWriter = (message: Message) => ResponseBody;

/** Compiles the writer of a binding: the body is the whole response, or the field that the rule names. */
export function createResponseWriter({ method, responseField }: Binding, writers: JsonWriters): ResponseWriter {
  const write = writers.message(method.output);
  if (responseField === undefined) return (message) => bodyOf(message, write);
  const writeField = writers.field(responseField);
  return (message) => {
    const value = getField(message, responseField);
    if (value === undefined) return { json: 'null', etag: undefined };
    return responseField.fieldKind === 'message'
      ? bodyOf(value as OpenMessage, writeField)
      : { json: writeField(value), etag: undefined };
  };
}

/** As RFC 9110 and AIP-154 write it, with its quotes. */
const ENTITY_TAG = /^(W\/)?"[\x21\x23-\x7e]*"$/;

function bodyOf(message: OpenMessage, write: JsonWriter<OpenMessage>): ResponseBody {
  const { etag } = message;
  return { json: write(message), etag: typeof etag === 'string' && ENTITY_TAG.test(etag) ? etag : undefined };
}
