import { create, type DescField, type DescMessage, type JsonObject } from '@bufbuild/protobuf';
import { FieldMaskSchema } from '@bufbuild/protobuf/wkt';
import { isOutputOnly } from '@morag/rpc';
import { getField, type OpenMessage, setField } from './message.ts';

/** The field of an update's request that says what changes; undefined when it has none. */
export function updateMaskField(request: DescMessage): DescField | undefined {
  return request.fields.find(
    (field) => field.name === 'update_mask' && field.message?.typeName === FieldMaskSchema.typeName,
  );
}

/**
 * PATCH: without a mask of its own, a request changes what its body names, a `null` meaning to clear. `etag` says what the
 * change builds on, and is never changed itself.
 */
export function implyUpdateMask(request: OpenMessage, mask: DescField, resource: DescMessage, body: JsonObject): void {
  if (getField(request, mask) !== undefined) return;
  const paths = resource.fields
    .filter((field) => Object.hasOwn(body, field.jsonName) || Object.hasOwn(body, field.name))
    .filter((field) => field.name !== 'etag' && !isOutputOnly(field))
    .map(({ name }) => name);
  setField(request, mask, create(FieldMaskSchema, { paths }));
}
