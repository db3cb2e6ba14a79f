import { type DescField, type DescMessage, getOption, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { FieldBehavior, field_behavior } from '@morag/gen/google/api/field_behavior_pb.ts';

/** Takes the fields that only callers set out of a message's JSON, in place. */
export type Eraser = (json: JsonValue) => void;

/**
 * The eraser of a message type; undefined when nothing in it is input-only. Services answer without their secrets; this keeps
 * even the empty fields out of answers, and a secret that slipped through as well.
 */
export function inputOnlyEraser(desc: DescMessage): Eraser | undefined {
  return holdsInputOnly(desc, new Set()) ? (json) => erase(desc, json) : undefined;
}

interface Plan {
  /** JSON names of the fields that only callers set. */
  readonly names: readonly string[];
  /** Fields whose messages hold some. */
  readonly inner: readonly (DescField & { readonly message: DescMessage })[];
}

const plans = new WeakMap<DescMessage, Plan>();

function planOf(desc: DescMessage): Plan {
  let plan = plans.get(desc);
  if (plan === undefined) {
    plan = {
      names: desc.fields.filter(isInputOnly).map(({ jsonName }) => jsonName),
      inner: desc.fields.filter(
        (field): field is DescField & { message: DescMessage } =>
          field.message !== undefined && holdsInputOnly(field.message, new Set()),
      ),
    };
    plans.set(desc, plan);
  }
  return plan;
}

/** `seen` ends the search in a type that contains itself. */
function holdsInputOnly(desc: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(desc)) return false;
  seen.add(desc);
  return desc.fields.some((field) => isInputOnly(field) || (field.message && holdsInputOnly(field.message, seen)));
}

function erase(desc: DescMessage, json: JsonValue): void {
  const { names, inner } = planOf(desc);
  const object = json as Record<string, JsonValue | undefined>;
  // Not deleted: an object that loses a property becomes a slow one.
  for (const name of names) object[name] = undefined;
  for (const { jsonName, fieldKind, message } of inner) {
    const value = object[jsonName];
    if (value === undefined || value === null) continue;
    const items = fieldKind === 'message' ? [value] : Object.values(value as JsonObject | JsonValue[]);
    for (const item of items) erase(message, item);
  }
}

function isInputOnly(field: DescField): boolean {
  return getOption(field, field_behavior).includes(FieldBehavior.INPUT_ONLY);
}
