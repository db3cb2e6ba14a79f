import type { DescField, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { parseJson } from '../json/parse-json.ts';
import type { Binding } from '../routing/binding.ts';
import { parsePathTemplate } from '../routing/path-template.ts';
import { applyConditions, type ConditionHeaders } from './conditions.ts';
import { fieldReader, messageReader } from './decode-message.ts';
import { type Decoding, report, requireValid } from './decoding.ts';
import { type FieldPath, holderOf, resolveFieldPath } from './field-path.ts';
import { createMessage, getField, type OpenMessage, setField } from './message.ts';
import { applyQuery, parseQuery } from './query.ts';
import { INVALID } from './scalar.codec.ts';
import { readText } from './text-value.ts';
import { implyUpdateMask, updateMaskField } from './update-mask.ts';

/** An HTTP request, as far as it makes a message. */
export interface RequestParts {
  /** Values of the template's variables, in their order. */
  readonly path: readonly string[];
  /** Without its `?`. */
  readonly query: string;
  /** Undefined for none. */
  readonly body: Buffer | undefined;
  readonly headers: ConditionHeaders;
}

/** Makes the request message of one binding from an HTTP request; throws INVALID_ARGUMENT or MALFORMED_BODY. */
export type RequestReader = (parts: RequestParts) => OpenMessage;

/** Compiles the reader of a binding. Throws when its path names a field that a path cannot hold. */
export function createRequestReader(binding: Binding): RequestReader {
  const { method, body } = binding;
  const mask = binding.httpMethod === 'PATCH' ? updateMaskField(method.input) : undefined;
  const variables = parsePathTemplate(binding.template).variables.map(({ path }) => requirePath(binding, path));
  const bound = new Set(variables.map(({ text }) => text));
  const takenFrom = ({ text, field, parents }: FieldPath): string | undefined => {
    if (bound.has(text)) return 'path';
    const first: DescField = parents[0] ?? field;
    const isBody = body.kind === 'all' || (body.kind === 'field' && first === body.field);
    return isBody ? 'body' : undefined;
  };

  return (parts) => {
    const decoding: Decoding = { violations: [] };
    const json = parts.body === undefined ? undefined : parseJson(parts.body);
    const message = readBody(binding, json, decoding);
    for (const [index, variable] of variables.entries()) {
      applyPathValue(message, variable, parts.path[index] ?? '', decoding);
    }
    if (parts.query !== '') {
      applyQuery(method.input, message, parseQuery(parts.query), { takenFrom, decoding });
    }
    applyConditions(message, binding, parts.headers, decoding);
    if (mask !== undefined && body.kind === 'field' && body.field.fieldKind === 'message' && isObject(json)) {
      implyUpdateMask(message, mask, body.field.message, json);
    }
    requireValid(decoding);
    return message;
  };
}

function requirePath({ method, template }: Binding, names: readonly string[]): FieldPath {
  const path = resolveFieldPath(method.input, names);
  if (path === undefined || path.field.fieldKind === 'list') {
    throw new Error(`${template}: {${names.join('.')}} is no field of ${method.input.typeName} that a path can hold`);
  }
  return path;
}

function readBody({ method, body }: Binding, json: JsonValue | undefined, decoding: Decoding): OpenMessage {
  const empty = createMessage(method.input);
  if (json === undefined) return empty;
  if (body.kind === 'all') {
    const message = messageReader(method.input)(json, '', decoding);
    return message === INVALID ? empty : (message as OpenMessage);
  }
  if (body.kind === 'none') report(decoding, '', 'must be empty');
  else if (json !== null) {
    const value = fieldReader(body.field)(json, body.field.jsonName, decoding);
    if (value !== INVALID) setField(empty, body.field, value);
  }
  return empty;
}

/** The path decides which resource is meant; a body that names another is refused rather than overruled. */
function applyPathValue(message: OpenMessage, path: FieldPath, text: string, decoding: Decoding): void {
  const value = readText(path.field, text, path.text, decoding);
  if (value === INVALID) return;
  const holder = holderOf(message, path);
  const given = getField(holder, path.field);
  const isDefault = given === undefined || given === '' || given === 0 || given === 0n || given === false;
  if (!isDefault && given !== value) report(decoding, path.text, 'in the body differs from the path');
  else setField(holder, path.field, value);
}

function isObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
