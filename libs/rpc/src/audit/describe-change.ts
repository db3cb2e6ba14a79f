import {
  clone,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  type Message,
  toJson,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { FieldBehavior, field_behavior } from '@morag/gen/google/api/field_behavior_pb.ts';

/** Larger answers are not kept: the journal is about who did what. */
const JSON_CHARS_MAX = 16_384;

/** `server_id` becomes `servers`, `api_key_id` `api-keys`. */
function nounOf(name: string): string {
  const noun = name.replace(/_ids?$/, '').replaceAll('_', '-');
  return noun.endsWith('y') && !noun.endsWith('ey') ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}

/** What a request is about, by the ids that it names: `databases/<id>/placements/<id>`. */
export function targetOf(schema: DescMessage, message: Message): string {
  const request = reflect(schema, message);
  return schema.fields
    .filter((field) => field.fieldKind === 'scalar' && field.name.endsWith('_id') && field.name !== 'request_id')
    .map((field) => [nounOf(field.name), String(request.get(field))] as const)
    .filter(([, id]) => id !== '')
    .map(([noun, id]) => `${noun}/${id}`)
    .join('/');
}

/** What an answer tells of the resource that was made or changed. */
export interface Described {
  /** Empty where the answer names none. */
  readonly target: string;
  readonly ownerId: string;
  readonly after: Record<string, unknown> | null;
}

/** Reads the resource out of an answer: the message itself, or the first message in it that has an id. */
export function describeAnswer(schema: DescMessage, message: Message): Described {
  const answer = reflect(schema, message);
  const resource = idOf(answer) === '' ? innerResource(answer) : answer;
  if (!resource) return { target: '', ownerId: '', after: withoutSecrets(schema, message) };
  const { desc } = resource;
  const snake = desc.name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase();
  const owner = desc.fields.find(({ name }) => name === 'owner_id');
  const ownerId = owner ? String(resource.get(owner)) : desc.name === 'User' ? idOf(resource) : '';
  return {
    target: `${nounOf(snake)}/${idOf(resource)}`,
    ownerId,
    after: withoutSecrets(desc, resource.message),
  };
}

function innerResource(answer: ReflectMessage): ReflectMessage | undefined {
  for (const field of answer.fields) {
    if (field.fieldKind !== 'message' || !answer.isSet(field)) continue;
    const inner = answer.get(field);
    if (idOf(inner) !== '') return inner;
  }
  return undefined;
}

function idOf(message: ReflectMessage): string {
  const id = message.desc.fields.find(({ name, fieldKind }) => name === 'id' && fieldKind === 'scalar');
  return id ? String(message.get(id)) : '';
}

/** A message as JSON without what no log may show; null when it is empty or large. */
export function withoutSecrets(schema: DescMessage, message: Message): Record<string, unknown> | null {
  const told = clone(schema, message);
  clearAny(reflect(schema, told));
  const json = redact(schema, toJson(schema, told) as Record<string, unknown>);
  if (Object.keys(json).length === 0) return null;
  return JSON.stringify(json).length > JSON_CHARS_MAX ? null : json;
}

/** What an `Any` holds is known to nobody here: the progress of a long-running operation, for one. */
function clearAny(message: ReflectMessage): void {
  for (const field of message.fields) {
    if (field.message === undefined || !message.isSet(field)) continue;
    if (field.message.typeName === AnySchema.typeName) message.clear(field);
    else if (field.fieldKind === 'message') clearAny(message.get(field));
  }
}

/** Well-known types (times, free JSON) have a JSON of their own, and no secrets by our contracts. */
function redact({ fields, typeName }: DescMessage, json: Record<string, unknown>): Record<string, unknown> {
  if (typeName.startsWith('google.protobuf.')) return json;
  const kept: Record<string, unknown> = {};
  for (const field of fields) {
    const value = json[field.jsonName];
    if (value === undefined || isSecret(field)) continue;
    const inner = field.fieldKind === 'message' || field.fieldKind === 'list' ? field.message : undefined;
    if (!inner) kept[field.jsonName] = value;
    else if (Array.isArray(value)) kept[field.jsonName] = value.map((item) => redactValue(inner, item));
    else kept[field.jsonName] = redactValue(inner, value);
  }
  return kept;
}

function redactValue(schema: DescMessage, value: unknown): unknown {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? redact(schema, value as Record<string, unknown>) : value;
}

/** What a contract marks as not to be shown, or takes in and never gives out. */
function isSecret(field: DescField): boolean {
  if (field.proto.options?.debugRedact === true) return true;
  return hasOption(field, field_behavior) && getOption(field, field_behavior).includes(FieldBehavior.INPUT_ONLY);
}
