import { type DescField, type DescMessage, getOption, hasOption, isFieldSet, type Message } from '@bufbuild/protobuf';
import type { FieldMask } from '@bufbuild/protobuf/wkt';
import { DomainError } from '@morag/errors';
import { FieldBehavior, field_behavior } from '@morag/gen/google/api/field_behavior_pb.ts';

const FIELD_MASK = 'google.protobuf.FieldMask';

/** The resource and the mask of an `Update…Request`; undefined for any other message. */
export interface UpdateShape {
  readonly resource: DescField & { fieldKind: 'message' };
  readonly mask: DescField & { fieldKind: 'message' };
}

/** Recognises an update by its mask: one field of type FieldMask beside one other message. */
export function updateShapeOf(schema: DescMessage): UpdateShape | undefined {
  const messages = schema.fields.filter((field) => field.fieldKind === 'message');
  const mask = messages.find((field) => field.message.typeName === FIELD_MASK);
  const resource = messages.find((field) => field.message.typeName !== FIELD_MASK);
  return mask && resource ? { mask, resource } : undefined;
}

/**
 * Names, as the proto writes them, of the resource's fields that an update changes: those in the mask (AIP-134), or those
 * that are set when there is none; `*` stands for all. Output-only fields and `etag` never belong to them. A path that
 * names no field is INVALID_ARGUMENT.
 */
export function updatedFields<Desc extends DescMessage>(
  schema: Desc,
  resource: Message | undefined,
  mask: FieldMask | undefined,
): ReadonlySet<string> {
  const changeable = schema.fields.filter((field) => field.name !== 'etag' && !isOutputOnly(field));
  const paths = mask?.paths ?? [];
  if (paths.includes('*')) return new Set(changeable.map(({ name }) => name));
  if (paths.length === 0) {
    const set = changeable.filter((field) => resource !== undefined && isFieldSet(resource, field));
    return new Set(set.map(({ name }) => name));
  }
  const wanted = new Set(paths.map((path) => fieldOf(schema, path).name));
  return new Set(changeable.filter(({ name }) => wanted.has(name)).map(({ name }) => name));
}

/** Whether the proto says that only the service sets the field. */
export function isOutputOnly(field: DescField): boolean {
  return hasOption(field, field_behavior) && getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY);
}

function fieldOf(schema: DescMessage, path: string): DescField {
  const [first = ''] = path.split('.');
  const field = schema.fields.find(({ name, jsonName }) => name === first || jsonName === first);
  if (field) return field;
  const violations = [{ field: 'updateMask', description: `${schema.name} has no field ${JSON.stringify(path)}` }];
  throw new DomainError('INVALID_ARGUMENT', 'The update mask names an unknown field.', { violations });
}
