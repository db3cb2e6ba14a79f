import { type DescField, ScalarType } from '@bufbuild/protobuf';
import { accessOf } from '@morag/auth';
import type { Binding } from '../routing/binding.ts';
import { requireField } from '../routing/binding.ts';
import { parsePathTemplate } from '../routing/path-template.ts';
import { holdsText } from '../transcoding/field-path.ts';
import { takesFile } from '../transcoding/upload-request.ts';
import type { Comments } from './comments.ts';
import { isRequired, type Schema, type Schemas } from './schema.ts';

/** What an operation is described with. */
export interface OperationParts {
  readonly schemas: Schemas;
  readonly comments: Comments;
}

/** `/v1/operations/{name}` for `/v1/{name=operations/**}`, as OpenAPI writes paths; literals stay, and need no parameter. */
export function openApiPath(template: string): string {
  return template.replaceAll(/\{([^}=]+)(?:=([^}]*))?\}/g, (_whole, name: string, pattern = '*') =>
    (pattern as string).replace(/\*.*$/, `{${name}}`),
  );
}

/** Describes one binding. `index` tells the further bindings of a method from its first. */
export function describeOperation(binding: Binding, index: number, { schemas, comments }: OperationParts): Schema {
  const { method } = binding;
  const comment = comments(method);
  const { rule } = accessOf(method);
  const operationId = `${method.parent.name}.${method.name}`;
  const body = requestBody(binding, schemas);
  return {
    operationId: index === 0 ? operationId : `${operationId}.${index + 1}`,
    tags: [tagOf(binding)],
    summary: summaryOf(comment, method.name),
    description: comment,
    ...(rule.case === 'public' && { security: [] }),
    ...(rule.case === 'permission' && { 'x-permission': rule.value }),
    parameters: [...pathParameters(binding, schemas), ...queryParameters(binding, schemas), ...headers(binding)],
    ...(body && { requestBody: body }),
    responses: { 200: success(binding, schemas), default: { $ref: '#/components/responses/Problem' } },
  };
}

/** The noun of the service. */
export function tagOf({ method }: Binding): string {
  return method.parent.name.replace(/Service$/, '');
}

/** The first sentence of a comment, or the method's name in words where it only lists reasons. */
function summaryOf(comment: string, name: string): string {
  const [first = ''] = comment.split(/(?<=[.:;])\s/);
  const isSentence = first !== '' && !/^[A-Z]+(_[A-Z]+)+\b/.test(first);
  if (isSentence) return first.replace(/[.:;]$/, '');
  const words = name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function pathFields({ method, template }: Binding): DescField[] {
  return parsePathTemplate(template).variables.map(({ path }) => requireField(method.input, path.join('.')));
}

/** A variable that stands for literals alone has one value, which the path shows. */
function pathParameters({ method, template }: Binding, schemas: Schemas): Schema[] {
  const path = openApiPath(template);
  return parsePathTemplate(template)
    .variables.map((variable) => variable.path.join('.'))
    .filter((name) => path.includes(`{${name}}`))
    .map((name) => parameter(name, 'path', requireField(method.input, name), schemas));
}

function queryParameters(binding: Binding, schemas: Schemas): Schema[] {
  const { method, body } = binding;
  if (body.kind === 'all') return [];
  const taken = new Set(pathFields(binding));
  if (body.kind === 'field') taken.add(body.field);
  return method.input.fields
    .filter((field) => !taken.has(field) && holdsText(field))
    .map((field) => parameter(field.jsonName, 'query', field, schemas));
}

function parameter(name: string, place: 'path' | 'query', field: DescField, schemas: Schemas): Schema {
  const { description, ...schema } = schemas.field(field);
  return {
    name,
    in: place,
    required: place === 'path' || isRequired(field),
    ...(description !== undefined && { description }),
    schema,
  };
}

function headers({ method, body, httpMethod }: Binding): Schema[] {
  const resource = body.kind === 'field' ? body.field.message : undefined;
  const hasEtag = [...method.input.fields, ...(resource?.fields ?? [])].some(({ name }) => name === 'etag');
  const hasRequestId = method.input.fields.some(({ name }) => name === 'request_id');
  return [
    ...(hasRequestId ? [reference('IdempotencyKey')] : []),
    ...(hasEtag && httpMethod !== 'GET' && httpMethod !== 'POST' ? [reference('IfMatch')] : []),
    reference('RequestTimeout'),
  ];
}

function reference(name: string): Schema {
  return { $ref: `#/components/parameters/${name}` };
}

function requestBody(binding: Binding, schemas: Schemas): Schema | undefined {
  const { method, body, httpMethod } = binding;
  if (method.methodKind === 'client_streaming' && takesFile(method.input)) return uploadBody(binding, schemas);
  if (body.kind === 'none') return undefined;
  if (body.kind === 'field') {
    const { message } = body.field;
    const schema = message && httpMethod === 'PATCH' ? schemas.update(message) : schemas.field(body.field);
    return { required: true, content: { 'application/json': { schema } } };
  }
  const taken = new Set(pathFields(binding));
  const schema = schemas.object(method.input.fields.filter((field) => !taken.has(field)));
  const type = method.methodKind === 'client_streaming' ? 'application/x-ndjson' : 'application/json';
  return { required: schema.required !== undefined, content: { [type]: { schema } } };
}

function uploadBody(binding: Binding, schemas: Schemas): Schema {
  const taken = new Set(pathFields(binding));
  const fields = binding.method.input.fields.filter((field) => !taken.has(field) && field.scalar !== ScalarType.BYTES);
  const { properties } = schemas.object(fields);
  const file = { type: 'string', contentMediaType: 'application/octet-stream', description: 'The file; comes last.' };
  const schema = { type: 'object', properties: { ...(properties as Schema), file }, required: ['file'] };
  return { required: true, content: { 'multipart/form-data': { schema } } };
}

/** Of every answer; the last two where a limit applies. */
export const COMMON_HEADERS: Schema = {
  'X-Request-Id': { $ref: '#/components/headers/RequestId' },
  RateLimit: { $ref: '#/components/headers/RateLimit' },
  'RateLimit-Policy': { $ref: '#/components/headers/RateLimitPolicy' },
};

function success(binding: Binding, schemas: Schemas): Schema {
  const { method, responseField } = binding;
  const schema = responseField === undefined ? schemas.message(method.output) : schemas.field(responseField);
  const streams = method.methodKind === 'server_streaming';
  const types = streams ? ['text/event-stream', 'application/x-ndjson'] : ['application/json'];
  const resource = responseField?.message ?? method.output;
  const hasEtag = !streams && resource.fields.some(({ name }) => name === 'etag');
  return {
    description: streams ? 'A stream of messages, each one as below.' : 'Done.',
    headers: {
      ...COMMON_HEADERS,
      ...(hasEtag && { ETag: { $ref: '#/components/headers/ETag' } }),
    },
    content: Object.fromEntries(types.map((type) => [type, { schema }])),
  };
}
