/** Different at each answer: times, and the numbers that the server gives its operations. */
const VARYING = new Set(['time', 'operation_id', 'version', 'usage']);
const POSITION = / at line \d+ column \d+/g;
/** Of scores, which are computed in 32 bits in an order of their own. */
const TOLERANCE = 1e-5;

type Hit = Readonly<Record<string, unknown>> & { readonly score: number | null };

/** The first thing in which two answers differ, with its path; undefined when they say the same. */
export function difference(actual: unknown, expected: unknown, path = ''): string | undefined {
  const differ = () => `${path}: ${short(actual)} for ${short(expected)}`;
  if (typeof actual === 'string' && typeof expected === 'string') {
    return actual.replaceAll(POSITION, '') === expected.replaceAll(POSITION, '') ? undefined : differ();
  }
  if (typeof actual === 'number' && typeof expected === 'number') {
    return Math.abs(actual - expected) <= TOLERANCE * Math.max(1, Math.abs(expected)) ? undefined : differ();
  }
  if (Array.isArray(actual) && Array.isArray(expected)) return listDifference(actual, expected, path);
  if (!isObject(actual) || !isObject(expected)) return Object.is(actual, expected) ? undefined : differ();
  const keys = new Set([...Object.keys(actual), ...Object.keys(expected)].filter((key) => !VARYING.has(key)));
  for (const key of keys) {
    const found = difference(actual[key], expected[key], `${path}.${key}`);
    if (found) return found;
  }
  return undefined;
}

function listDifference(actual: readonly unknown[], expected: readonly unknown[], path: string): string | undefined {
  if (actual.length !== expected.length) return `${path}: ${actual.length} items for ${expected.length}`;
  if (actual.every(isHit) && expected.every(isHit)) return hitsDifference(actual, expected, path);
  if (actual.every(isGroup) && expected.every(isGroup)) {
    // Groups whose best hits are equally good come in any order.
    const byId = (a: { id: unknown }, b: { id: unknown }) => (String(a.id) < String(b.id) ? -1 : 1);
    return eachDifference(actual.toSorted(byId), expected.toSorted(byId), path);
  }
  return eachDifference(actual, expected, path);
}

function eachDifference(actual: readonly unknown[], expected: readonly unknown[], path: string): string | undefined {
  for (const [index, item] of actual.entries()) {
    const found = difference(item, expected[index], `${path}[${index}]`);
    if (found) return found;
  }
  return undefined;
}

/**
 * The same scores in the same order, and the same hits: but equally good ones come in any order, and where a list begins
 * or ends among them, it may hold others of them.
 */
function hitsDifference(actual: readonly Hit[], expected: readonly Hit[], path: string): string | undefined {
  const scores = eachDifference(
    actual.map(({ score }) => score),
    expected.map(({ score }) => score),
    `${path}.score`,
  );
  if (scores) return scores;
  const edges = [expected.at(0), expected.at(-1)];
  for (const wanted of expected) {
    const same = actual.find(({ id }) => id === wanted.id);
    const { score } = wanted;
    if (!same && !edges.some((edge) => edge && isTied(edge.score, score)))
      return `${path}: ${short(wanted.id)} is missing`;
    const found = same && difference(same, wanted, `${path}<${short(wanted.id)}>`);
    if (found) return found;
  }
  return undefined;
}

function isTied(a: number | null, b: number | null): boolean {
  return a === b || (a !== null && b !== null && Math.abs(a - b) <= TOLERANCE);
}

function isHit(value: unknown): value is Hit {
  return isObject(value) && 'score' in value;
}

function isGroup(value: unknown): value is { readonly id: unknown } {
  return isObject(value) && 'hits' in value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function short(value: unknown): string {
  return (JSON.stringify(value) ?? 'undefined').slice(0, 200);
}
