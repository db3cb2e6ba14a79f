import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import type { HealthStatus } from '../health/health-status.ts';
import type { PlacementRole, PlacementState } from '../placement/placement.ts';
import { decideFailover, type Standing } from './choose-target.ts';

interface FailoverCase {
  readonly name: string;
  /** `id role state applied health [suspect] [flapping]` each. */
  readonly placements: readonly string[];
  readonly recentChanges?: number;
  readonly isPanic?: boolean;
  /** Who is promoted, or why nobody is. */
  readonly expect: string;
}

const cases = JSON.parse(
  readFileSync(new URL('./choose-target.cases.json', import.meta.url), 'utf8'),
) as readonly FailoverCase[];

function standing(text: string): Standing {
  const [placementId = '', role, state, applied, health, ...marks] = text.split(' ');
  return {
    placementId,
    serverId: `server of ${placementId}`,
    role: role as PlacementRole,
    state: state as PlacementState,
    appliedSequence: Number(applied),
    health: health as HealthStatus,
    isSuspect: marks.includes('suspect'),
    isFlapping: marks.includes('flapping'),
  };
}

it.each(cases)('$name', ({ placements, recentChanges = 0, isPanic = false, expect: expected }) => {
  const rules = { changesMax: 3, changesWindowMs: 300_000 };
  const decision = decideFailover({ placements: placements.map(standing), recentChanges }, isPanic, rules);
  expect(decision.kind === 'PROMOTE' ? decision.target.placementId : decision.why).toBe(expected);
});
