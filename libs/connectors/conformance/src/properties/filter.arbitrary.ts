import type { Filter, Operator } from '@morag/connectors-core';
import fc from 'fast-check';
import { FIELDS, scalar } from './metadata.arbitrary.ts';

const field = fc.constantFrom(...FIELDS, 'missing');

const of = (op: readonly Operator[], operand: fc.Arbitrary<unknown>) =>
  fc
    .tuple(field, fc.constantFrom(...op), operand)
    .map(([name, operator, bound]) => ({ field: name, op: operator, value: bound }) as Filter);

/** Filters of every operator, to a depth of four. */
export const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'filter' },
    of(['eq', 'ne'], scalar),
    of(
      ['gt', 'gte', 'lt', 'lte'],
      scalar.filter((bound) => typeof bound !== 'boolean'),
    ),
    of(['in', 'nin'], fc.array(scalar, { maxLength: 4 })),
    of(['exists'], fc.boolean()),
    fc.array(tie('filter'), { maxLength: 3, depthIdentifier: 'filter' }).map((and) => ({ and })),
    fc.array(tie('filter'), { maxLength: 3, depthIdentifier: 'filter' }).map((or) => ({ or })),
    tie('filter').map((not) => ({ not })),
  ),
}));
