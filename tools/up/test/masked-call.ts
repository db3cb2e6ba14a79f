import { randomUUID } from 'node:crypto';
import type { AllServices } from './all-services.ts';
import type { Outcome } from './call-rpc.ts';
import type { Rpc } from './contracts.ts';
import { type Ids, validRequest } from './valid-request.ts';

/** A valid call with these ids, and its answer without what differs by nature: the ids themselves, etags and times. */
export async function maskedCall(
  all: AllServices,
  { service, method }: Rpc,
  ids: Ids,
  { credential, fields }: { readonly credential: string; readonly fields: readonly string[] },
): Promise<Outcome> {
  const outcome = await all.call(service, method, validRequest(method.input, ids), credential);
  const masked = fields.reduce(
    (text, field) => text.replaceAll(ids[field] ?? '', `<${field}>`),
    JSON.stringify(outcome),
  );
  const { text, ...rest } = JSON.parse(masked) as Outcome;
  return { ...rest, text: text.replace(ETAG, '').replace(TIME, '<time>') };
}

const ETAG = /"etag":"(?:\\.|[^"\\])*"/g;
const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;

/** Ids of nothing, for the same fields. */
export function unknownIds(fields: readonly string[]): Ids {
  return Object.fromEntries(
    fields.map((field) => [field, field === 'operation' ? `operations/${randomUUID()}` : randomUUID()]),
  );
}
