import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import type { Binding } from '../routing/binding.ts';
import { type Decoding, report } from './decoding.ts';
import { createMessage, getField, type OpenMessage, setField } from './message.ts';

/** Headers of HTTP that stand for fields of a request. */
export interface ConditionHeaders {
  readonly 'if-match'?: string | undefined;
  readonly 'idempotency-key'?: string | undefined;
}

/** One entity tag, or `*` for any. */
const ENTITY_TAG = /^(\*|(W\/)?"[\x21\x23-\x7e]*")$/;

/**
 * `If-Match: "…"` is the `etag` of the resource in the body, or of the request itself; where there is neither, the header
 * is refused, because whoever sends it relies on it. `Idempotency-Key` is `request_id`, where the method has one.
 */
export function applyConditions(
  request: OpenMessage,
  { method, body, httpMethod }: Binding,
  headers: ConditionHeaders,
  decoding: Decoding,
): void {
  const tag = headers['if-match'];
  if (tag !== undefined && httpMethod !== 'GET') applyIfMatch(request, { desc: method.input, body }, tag, decoding);
  const key = headers['idempotency-key'];
  const field = key === undefined ? undefined : stringField(method.input, 'request_id');
  if (field !== undefined && key !== undefined)
    setUnlessOther(request, field, key, { name: 'Idempotency-Key', decoding });
}

function applyIfMatch(
  request: OpenMessage,
  { desc, body }: { desc: DescMessage; body: Binding['body'] },
  header: string,
  decoding: Decoding,
): void {
  if (!ENTITY_TAG.test(header)) {
    report(decoding, 'If-Match', 'must be one entity tag in quotes, as the header ETag gives it');
    return;
  }
  const resource = body.kind === 'field' && body.field.fieldKind === 'message' ? body.field : undefined;
  const inResource = resource && stringField(resource.message, 'etag');
  const field = inResource ?? stringField(desc, 'etag');
  if (field === undefined) {
    report(decoding, 'If-Match', 'cannot be checked by this method');
    return;
  }
  const holder = inResource === undefined || resource === undefined ? request : childOf(request, resource);
  setUnlessOther(holder, field, header, { name: 'If-Match', decoding });
}

function childOf(request: OpenMessage, field: DescField & { fieldKind: 'message' }): OpenMessage {
  const child = (getField(request, field) as OpenMessage | undefined) ?? createMessage(field.message);
  setField(request, field, child);
  return child;
}

function setUnlessOther(
  message: OpenMessage,
  field: DescField,
  value: string,
  { name, decoding }: { name: string; decoding: Decoding },
): void {
  const given = getField(message, field);
  if (given !== '' && given !== undefined && given !== value) report(decoding, name, `differs from ${field.jsonName}`);
  else setField(message, field, value);
}

function stringField(desc: DescMessage, name: string): DescField | undefined {
  return desc.fields.find(
    (field) => field.name === name && field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING,
  );
}
