import type { JsonValue, Metadata, Scalar } from '@morag/connectors-core';
import fc from 'fast-check';

/** Keys of records; one has a dot, which no vendor may take for a path. */
export const FIELDS = ['a', 'b.c', 'tags'] as const;

/** Few different values, so that filters hit; integers and fractions close to each other, since servers mix them up. */
export const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.constantFrom<Scalar>('x', 'y', 'Z', '', 'é', '1', 0, 1, 2, -1, 0.5, 1.5, 2.25, -0.5, true, false),
  fc.integer({ min: -5, max: 5 }),
  fc.integer({ min: -20, max: 20 }).map((quarter) => quarter / 4),
);

const value: fc.Arbitrary<JsonValue> = fc.oneof(
  { arbitrary: scalar, weight: 6 },
  { arbitrary: fc.array(scalar, { maxLength: 3 }), weight: 2 },
  { arbitrary: fc.constant({ nested: 'x' }), weight: 1 },
);

/** What filters are tried on. */
export const metadata: fc.Arbitrary<Metadata> = fc
  .record(Object.fromEntries(FIELDS.map((name) => [name, value])), { requiredKeys: [], noNullPrototype: true })
  .map((object) => object as Metadata);

const plain = (text: string) => text.isWellFormed() && !text.includes('\0');
const key = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => plain(text) && !/^(?:\$|_vk_|__proto__$)/.test(text));
// No negative zero, which JSON does not know.
const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => each + 0),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1e300, -1e-300, 0.1),
);
const text = fc.string({ unit: 'grapheme', maxLength: 30 }).filter(plain);

const { json } = fc.letrec<{ json: JsonValue }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'json' },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 4, depthIdentifier: 'json' }),
    fc.dictionary(key, tie('json'), { maxKeys: 3, depthIdentifier: 'json', noNullPrototype: true }),
  ),
}));

/** Any metadata that the port allows. */
export const anyMetadata: fc.Arbitrary<Metadata> = fc.dictionary(key, json, { maxKeys: 6, noNullPrototype: true });

/** Any text that a document may be. */
export const anyText: fc.Arbitrary<string> = text;
