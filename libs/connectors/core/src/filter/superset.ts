import type { Filter } from './filter.ts';
import { type NormalFilter, normaliseFilter } from './normalise-filter.ts';

/**
 * A filter in a vendor's terms. `none`: nothing can match. Without `where` everything may. When not `exact`, the records
 * that pass `where` include all that match, and `matches` has to pick them out.
 */
export interface Superset<Where> {
  readonly none: boolean;
  readonly where?: Where;
  readonly exact: boolean;
}

/** What has come out so far of a filter that is being translated. */
export interface Translation {
  exact: boolean;
}

/** Translates a filter part by part; a part that the vendor cannot say is undefined, by `inexact`. */
export function toSuperset<Where>(
  filter: Filter | undefined,
  translate: (node: NormalFilter, state: Translation) => Where | undefined,
): Superset<Where> {
  const normal = filter ? normaliseFilter(filter) : true;
  if (typeof normal === 'boolean') return { none: !normal, exact: true };
  const state = { exact: true };
  const where = translate(normal, state);
  return { none: false, where, exact: state.exact };
}

/** In place of a part that the vendor cannot say: everything may match it. */
export function inexact(state: Translation): undefined {
  state.exact = false;
  return undefined;
}

/** What passes all parts: one that cannot be said is left out. */
export function conjunction<Where>(
  parts: readonly (Where | undefined)[],
  and: (parts: Where[]) => Where,
): Where | undefined {
  const known = parts.filter((part) => part !== undefined);
  return known.length > 1 ? and(known) : known[0];
}

/** What passes any part: anything may, when one cannot be said. */
export function disjunction<Where>(
  parts: readonly (Where | undefined)[],
  or: (parts: Where[]) => Where,
): Where | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (known.length < parts.length) return undefined;
  return known.length > 1 ? or(known) : known[0];
}
