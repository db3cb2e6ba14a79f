import { randomUUID } from 'node:crypto';
import { create, type DescField, type DescMessage, getOption, hasOption, type MessageShape } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import { FieldBehavior, field_behavior } from '@morag/gen/google/api/field_behavior_pb.ts';

/** Ids for the fields that name a resource, by field name (`server_id`). */
export type Ids = Readonly<Record<string, string>>;

/** What a required field is given, by its name: the same name means the same thing in every contract. */
const SAMPLES: Readonly<Record<string, () => unknown>> = {
  collection: () => 'some-collection',
  dimension: () => 3,
  document_types: () => ['text'],
  email: () => `${randomUUID()}@example.org`,
  fencing_token: () => 1n,
  host: () => '127.0.0.1',
  id: () => 'some-record',
  ids: () => ['some-record'],
  language: () => 'en',
  markdown: () => 'Some text.',
  name: () => `Name ${randomUUID()}`,
  new_password: () => randomUUID(),
  old_password: () => 'the old one of before',
  password: () => randomUUID(),
  port: () => 9,
  query: () => 'a question',
  refresh_token: () => 'mrr_of_nobody',
  type: () => 4,
  url: () => 'http://127.0.0.1:9/hook',
  vector: () => [1, 0, 0],
  worker: () => 'some-worker',
};

/** Where a message is only valid with more than what is marked as required. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  'morag.identity.v1.UserSettings': ['language'],
  'morag.servers.v1.Collection': ['dimension'],
  'morag.servers.v1.DeleteRecordsRequest': ['ids'],
  'morag.documents.v1.UploadDocumentRequest': ['name'],
};

const validator = createValidator();

/**
 * Whether a field holds ids of resources: `server_id`, `server_ids`; ids of records and of requests are the caller's own.
 * Operations go by a whole name, as their contract has it.
 */
function namesResource(field: DescField): boolean {
  const { name } = field;
  return isOperation(field) || (/_ids?$/.test(name) && !['request_id', 'record_ids'].includes(name));
}

function isOperation({ name, parent: { typeName } }: DescField): boolean {
  return name === 'name' && /^google\.longrunning\.(Get|Wait|Cancel|Delete)OperationRequest$/.test(typeName);
}

/** The fields of a request that hold ids of resources, those of required messages in it too, as if each held one id. */
export function resourceFields(desc: DescMessage): string[] {
  const nested = desc.fields.filter(isRequiredMessage).flatMap(({ message }) => resourceFields(message));
  const own = desc.fields.filter((field) => namesResource(field) && !isOutputOnly(field)).map(idName);
  return [...new Set([...own, ...nested])];
}

/** A request that passes validation: required fields filled, ids as given. Throws for a field that nobody has a sample of. */
export function validRequest<Desc extends DescMessage>(desc: Desc, ids: Ids): MessageShape<Desc> {
  const message = create(desc);
  fill(reflect(desc, message), ids);
  const result = validator.validate(desc, message);
  if (result.kind !== 'valid') throw new Error(`no valid ${desc.typeName}: ${String(result.error)}`);
  return message;
}

function fill(message: ReflectMessage, ids: Ids): void {
  for (const field of message.desc.fields) {
    if (isOutputOnly(field)) continue;
    if (namesResource(field)) fillId(message, field, ids);
    else if (isRequiredMessage(field)) {
      const inner = reflect(field.message, create(field.message));
      fill(inner, ids);
      message.set(field, inner);
    } else if (isRequired(field) || ALSO[message.desc.typeName]?.includes(field.name)) fillSample(message, field, ids);
  }
}

function fillId(message: ReflectMessage, field: DescField, ids: Ids): void {
  const id = ids[idName(field)];
  if (id === undefined) return;
  if (field.fieldKind === 'list') message.get(field).add(id);
  else message.set(field, id);
}

/** `server_id`, also for `server_ids`; `operation` for its name. */
function idName(field: DescField): string {
  return isOperation(field) ? 'operation' : field.name.replace(/s$/, '');
}

function fillSample(message: ReflectMessage, field: DescField, ids: Ids): void {
  if (field.fieldKind === 'list' && field.listKind === 'message') {
    const item = reflect(field.message, create(field.message));
    fill(item, ids);
    message.get(field).add(item);
    return;
  }
  const sample = SAMPLES[field.name];
  if (!sample) throw new Error(`${message.desc.typeName}.${field.name} is required and has no sample; add one`);
  const value = sample();
  if (field.fieldKind === 'list') for (const item of value as unknown[]) message.get(field).add(item);
  else message.set(field, value);
}

function isRequiredMessage(field: DescField): field is DescField & { fieldKind: 'message'; message: DescMessage } {
  return field.fieldKind === 'message' && isRequired(field);
}

function isRequired(field: DescField): boolean {
  return behaves(field, FieldBehavior.REQUIRED);
}

function isOutputOnly(field: DescField): boolean {
  return behaves(field, FieldBehavior.OUTPUT_ONLY);
}

function behaves(field: DescField, behavior: FieldBehavior): boolean {
  return hasOption(field, field_behavior) && getOption(field, field_behavior).includes(behavior);
}
