import { badBody } from './failure.ts';
import { isObject } from './json.ts';

/** A key, every element, or one element. */
type Step = { readonly key: string } | { readonly every: true } | { readonly index: number };
export type Path = readonly Step[];

const STEP = /(?:^|\.)(?:([\p{L}\p{N}_-]+)|"([^"\\]*)")|\[(\d*)\]/guy;

/** `a.b`, `a[].b`, `a[0]`, `"a.b"`. */
export function parsePath(text: unknown): Path {
  if (typeof text !== 'string') throw badBody('invalid type: expected a path');
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  let end = 0;
  for (let match = STEP.exec(text); match; match = STEP.exec(text)) {
    end = STEP.lastIndex;
    const key = match[1] ?? match[2];
    if (key !== undefined) steps.push({ key });
    else steps.push(match[3] ? { index: Number(match[3]) } : { every: true });
  }
  const [first] = steps;
  if (end !== text.length || first === undefined || !('key' in first)) throw badBody(`Invalid json path: '${text}'`);
  return steps;
}

/** All values that the path leads to. */
export function valuesAt(root: unknown, path: Path): unknown[] {
  let values: unknown[] = [root];
  for (const step of path) {
    values = values.flatMap((value) => {
      if ('key' in step) return isObject(value) && Object.hasOwn(value, step.key) ? [value[step.key]] : [];
      if (!Array.isArray(value)) return [];
      if ('every' in step) return value as unknown[];
      return step.index < value.length ? [value[step.index] as unknown] : [];
    });
  }
  return values;
}

/** The parts of an object that the paths lead to, or what is left without them. */
export function project(root: unknown, paths: readonly Path[], keep: boolean): unknown {
  if (Array.isArray(root)) {
    const items = root.map((item, index) => {
      const rest = paths.flatMap((path) => {
        const [step, ...tail] = path;
        return step && ('every' in step || ('index' in step && step.index === index)) ? [tail] : [];
      });
      return projectValue(item, rest, keep);
    });
    return items.filter((item) => item !== undefined);
  }
  if (!isObject(root)) return keep ? undefined : root;
  const entries = Object.entries(root).map(([key, value]) => {
    const rest = paths.flatMap(([step, ...tail]) => (step && 'key' in step && step.key === key ? [tail] : []));
    return [key, projectValue(value, rest, keep)] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function projectValue(value: unknown, rest: readonly Path[], keep: boolean): unknown {
  if (rest.some((path) => path.length === 0)) return keep ? value : undefined;
  if (rest.length === 0) return keep ? undefined : value;
  return project(value, rest, keep);
}

/** Merges an object into the one that the path leads to, which is made where it is missing. */
export function mergeAt(root: Record<string, unknown>, path: Path, patch: Readonly<Record<string, unknown>>): void {
  let target = root;
  for (const step of path) {
    if (!('key' in step)) return;
    const next = target[step.key];
    if (!isObject(next)) target[step.key] = {};
    target = target[step.key] as Record<string, unknown>;
  }
  Object.assign(target, patch);
}
