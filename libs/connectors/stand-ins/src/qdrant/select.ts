import type { StoredPoint } from './collection.ts';
import { badBody } from './failure.ts';
import { isObject, type JsonObject } from './json.ts';
import { parsePath, project } from './path.ts';
import { shownVector } from './vectors.ts';

/** What of a point goes into an answer. */
export type Select = (point: StoredPoint) => JsonObject;

const NO_SELECTOR = 'Expected a boolean, an array of strings, or an object with an include/exclude field';

/** The default for payloads differs from endpoint to endpoint. */
export function parseSelect(body: JsonObject, payloadByDefault: boolean): Select {
  const payload = parsePayload(body.with_payload ?? payloadByDefault);
  const vector = parseVector(body.with_vector ?? body.with_vectors ?? false);
  return (point) => ({ ...payload(point), ...vector(point) });
}

function parsePayload(value: unknown): Select {
  if (value === false) return () => ({});
  if (value === true) return ({ payload }) => ({ payload });
  if (Array.isArray(value)) return projected(value, true);
  if (!isObject(value)) throw badBody(NO_SELECTOR);
  const { include, exclude } = value;
  if ((include === undefined) === (exclude === undefined)) throw badBody(NO_SELECTOR);
  const names = include ?? exclude;
  if (!Array.isArray(names)) throw badBody(NO_SELECTOR);
  return projected(names, include !== undefined);
}

function projected(names: readonly unknown[], keep: boolean): Select {
  const paths = names.map(parsePath);
  return ({ payload }) => ({ payload: project(payload, paths, keep) });
}

function parseVector(value: unknown): Select {
  if (value === false) return () => ({});
  if (value !== true && !Array.isArray(value))
    throw badBody('data did not match any variant of untagged enum WithVector');
  return ({ vectors }) => {
    const shown = [...vectors]
      .filter(([name]) => value === true || value.includes(name))
      .map(([name, vector]) => [name, shownVector(vector)] as const);
    const [first] = shown;
    // The unnamed vector alone is shown by itself.
    return { vector: shown.length === 1 && first?.[0] === '' ? first[1] : Object.fromEntries(shown) };
  };
}
