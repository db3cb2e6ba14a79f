import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { createMessage, getField, type OpenMessage, setField } from './message.ts';
import { isTextual } from './well-known.codec.ts';

/** A field of the request, possibly of a message inside it: the messages on the way, then the field itself. */
export interface FieldPath {
  readonly parents: readonly (DescField & { fieldKind: 'message' })[];
  readonly field: DescField;
  /** In JSON names, as in violations. */
  readonly text: string;
}

/**
 * Follows names (of proto or JSON) down from a message; undefined when there is no such field, or none that one text, or a
 * list of texts, can hold.
 */
export function resolveFieldPath(desc: DescMessage, names: readonly string[]): FieldPath | undefined {
  const parents: (DescField & { fieldKind: 'message' })[] = [];
  let current = desc;
  for (const [index, name] of names.entries()) {
    const field = current.fields.find((each) => each.jsonName === name || each.name === name);
    if (field === undefined) return undefined;
    if (index === names.length - 1) {
      const text = [...parents, field].map(({ jsonName }) => jsonName).join('.');
      return holdsText(field) ? { parents, field, text } : undefined;
    }
    if (field.fieldKind !== 'message') return undefined;
    parents.push(field);
    current = field.message;
  }
  return undefined;
}

/** Whether the field can be given by one text, or as a list by several. */
export function holdsText(field: DescField): boolean {
  if (field.fieldKind === 'map') return false;
  return field.message === undefined || isTextual(field.message);
}

/** The message that holds the field, made with those above it when they are not there yet. */
export function holderOf(message: OpenMessage, { parents }: FieldPath): OpenMessage {
  let holder = message;
  for (const parent of parents) {
    let child = getField(holder, parent) as OpenMessage | undefined;
    if (child === undefined) {
      child = createMessage(parent.message);
      setField(holder, parent, child);
    }
    holder = child;
  }
  return holder;
}
