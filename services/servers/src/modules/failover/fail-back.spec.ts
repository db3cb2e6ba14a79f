import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import type { HealthStatus } from '../health/health-status.ts';
import type { PlacementRole, PlacementState } from '../placement/placement.ts';
import type { Standing } from './choose-target.ts';
import { decideFailBack, type WellSince } from './fail-back.ts';

interface FailBackCase {
  readonly name: string;
  /** `seconds state health [suspect] [flapping] [panic] [since=seconds]` of the home, one look after the other. */
  readonly looks: readonly string[];
  /** How the primary's server does; HEALTHY unless given. */
  readonly primary?: HealthStatus;
  readonly recentChanges?: number;
  /** What each look comes to, with a delay of ten seconds. */
  readonly expect: readonly string[];
}

const cases = JSON.parse(
  readFileSync(new URL('./fail-back.cases.json', import.meta.url), 'utf8'),
) as readonly FailBackCase[];

const RULES = { changesMax: 3, changesWindowMs: 300_000 };

function standing(
  role: PlacementRole,
  { state = 'IN_SYNC', health, marks = [] }: { state?: string; health: string; marks?: readonly string[] },
): Standing {
  return {
    placementId: role,
    serverId: `server of ${role}`,
    role,
    state: state as PlacementState,
    appliedSequence: 10,
    health: health as HealthStatus,
    isSuspect: marks.includes('suspect'),
    isFlapping: marks.includes('flapping'),
  };
}

it.each(cases)('$name', ({ looks, primary: primaryHealth = 'HEALTHY', recentChanges = 1, expect: expected }) => {
  const primary = standing('PRIMARY', { health: primaryHealth });
  let before: WellSince | undefined;
  const decisions = looks.map((text) => {
    const [seconds, state = '', health = '', ...marks] = text.split(' ');
    const home = standing('REPLICA', { state, health, marks });
    const look = { atMs: Number(seconds) * 1_000, isPanic: marks.includes('panic') };
    const since = marks.find((mark) => mark.startsWith('since='))?.slice('since='.length);
    const statusSinceMs = since === undefined ? Number.NEGATIVE_INFINITY : Number(since) * 1_000;
    const displaced = { home, primary, statusSinceMs, delayMs: 10_000, recentChanges };
    const decision = decideFailBack(before, displaced, look, RULES);
    before = decision.well;
    return decision.kind === 'GO_BACK' ? decision.kind : decision.why;
  });
  expect(decisions).toEqual(expected);
});
