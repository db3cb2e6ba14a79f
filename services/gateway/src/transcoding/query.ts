import type { DescMessage } from '@bufbuild/protobuf';
import { decodeQueryPart } from '../routing/percent-decoding.ts';
import { type Decoding, report } from './decoding.ts';
import { type FieldPath, holderOf, resolveFieldPath } from './field-path.ts';
import { getField, type OpenMessage, rivalOf, setField } from './message.ts';
import { INVALID } from './scalar.codec.ts';
import { readText } from './text-value.ts';

/** One `name=value`, decoded. */
export interface QueryParameter {
  readonly name: string;
  readonly value: string;
}

/** Splits a query (without its `?`) and decodes it, once. */
export function parseQuery(query: string): QueryParameter[] {
  const parameters: QueryParameter[] = [];
  for (const part of query.split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = decodeQueryPart(at < 0 ? part : part.slice(0, at));
    parameters.push({ name, value: at < 0 ? '' : decodeQueryPart(part.slice(at + 1)) });
  }
  return parameters;
}

/** Where a field comes from that the query may not name; undefined when it may. */
export type TakenFrom = (path: FieldPath) => string | undefined;

/** Sets the fields that a query names: `pageSize=20`, `serverIds=a&serverIds=b`, `server.tls=VERIFY`. */
export function applyQuery(
  desc: DescMessage,
  message: OpenMessage,
  parameters: readonly QueryParameter[],
  { takenFrom, decoding }: { takenFrom: TakenFrom; decoding: Decoding },
): void {
  const given = new Set<string>();
  for (const { name, value } of parameters) {
    const path = resolveFieldPath(desc, name.split('.'));
    const source = path && takenFrom(path);
    if (path === undefined) report(decoding, name, 'is not a known query parameter');
    else if (source !== undefined) report(decoding, path.text, `is given by the ${source}, not by the query`);
    else if (given.has(path.text) && path.field.fieldKind !== 'list') report(decoding, path.text, 'is given twice');
    else applyParameter(message, path, value, decoding);
    if (path !== undefined) given.add(path.text);
  }
}

function applyParameter(message: OpenMessage, path: FieldPath, text: string, decoding: Decoding): void {
  const value = readText(path.field, text, path.text, decoding);
  if (value === INVALID) return;
  const holder = holderOf(message, path);
  const rival = rivalOf(holder, path.field);
  if (rival !== undefined) report(decoding, path.text, `cannot be given together with ${rival}`);
  else if (path.field.fieldKind === 'list') (getField(holder, path.field) as unknown[]).push(value);
  else setField(holder, path.field, value);
}
