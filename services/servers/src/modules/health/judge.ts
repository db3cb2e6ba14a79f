import type { Category } from '@morag/connectors-core';
import { type HealthStatus, isUp } from './health-status.ts';

/** What one probe of a server came to. Times are monotonic milliseconds of this process. */
export interface Observation {
  /** When it ended. */
  readonly atMs: number;
  readonly latencyMs: number;
  /** Of the failure; undefined for an answer. */
  readonly category?: Category;
  /** It answered, but what was asked beside could not be read. */
  readonly isPartial?: boolean;
}

/** What is known of all other servers: whether a fault is likely to be ours. */
export interface Others {
  /** When one of them last answered anything; -Infinity when none ever did. */
  readonly answeredAtMs: number;
  /** Some were up when last judged, so that they could testify. */
  readonly areUp: boolean;
}

/** By what a server is judged. */
export interface HealthRules {
  /** Failures in a row that take a server down. */
  readonly failuresToDown: number;
  /** Of these, so many during which another server answered, where there is one that could: else the fault may be ours. */
  readonly witnessesToDown: number;
  /** Answers in a row that bring it back; also those that end DEGRADED. */
  readonly successesToUp: number;
  /** An answer that took longer is slow. */
  readonly slowMs: number;
  /** Slow or partial answers in a row that make it DEGRADED. */
  readonly roughToDegraded: number;
  /** So many falls within the window mean that it flaps: up, it is then DEGRADED. */
  readonly fallsToFlapping: number;
  readonly flapWindowMs: number;
  /** Of a probe. */
  readonly deadlineMs: number;
  /** A probe that ends so long after its deadline tells of a pause of this process, not of the server. */
  readonly pauseMs: number;
  /** After a longer silence the runs begin anew: nobody was watching. */
  readonly gapMs: number;
}

/** A server as it is judged, and what the next judgement needs. */
export interface Judgement {
  readonly status: HealthStatus;
  /** Since when; -Infinity when it is as it was found. */
  readonly sinceMs: number;
  readonly observedAtMs: number;
  /** In a row. */
  readonly failures: number;
  /** Of these failures, those during which another server answered us, or this one refused us by an answer. */
  readonly witnessed: number;
  /** When the run of failures was first seen; undefined while it answers. */
  readonly failingSinceMs: number | undefined;
  readonly successes: number;
  /** Slow or partial answers in a row, and answers in a row that were neither. */
  readonly rough: number;
  readonly smooth: number;
  /** When it went down, within the window. */
  readonly falls: readonly number[];
}

/** A server that has not been looked at. */
export const UNSEEN: Judgement = {
  status: 'UNKNOWN',
  sinceMs: Number.NEGATIVE_INFINITY,
  observedAtMs: Number.NEGATIVE_INFINITY,
  failures: 0,
  witnessed: 0,
  failingSinceMs: undefined,
  successes: 0,
  rough: 0,
  smooth: 0,
  falls: [],
};

/** It answered, and what it said is that it will not serve us: no doubt about the network between. */
const REFUSALS: ReadonlySet<Category> = new Set(['unauthenticated', 'permission_denied', 'not_found', 'host_denied']);
/** Faults of the question, or of us who gave up: they say nothing about the server. */
const NO_BLAME: ReadonlySet<Category> = new Set([
  'invalid_argument',
  'unsupported',
  'payload_too_large',
  'already_exists',
  'conflict',
  'cancelled',
]);

/**
 * What an observation makes of a judgement: the whole decision, without clock or chance of its own. A server goes down
 * after failures in a row, and only when somebody else has answered us meanwhile or nobody could: if all fail at once the
 * fault is ours, and the status UNKNOWN.
 */
export function judge(before: Judgement, observation: Observation, others: Others, rules: HealthRules): Judgement {
  const { category } = observation;
  if (category !== undefined && (NO_BLAME.has(category) || isVoid(observation, rules))) return before;
  const now = resumed(before, observation, rules);
  // Asked too often: busy, but there.
  const isAnswer = category === undefined || category === 'rate_limited';
  return isAnswer ? afterAnswer(now, observation, rules) : afterFailure(now, before, observation, others, rules);
}

/** Whether a server has been seen to fail for at least `graceMs`, by one who watched all the time. */
export function isDownFor(
  { status, failures, failingSinceMs, observedAtMs }: Judgement,
  graceMs: number,
  { failuresToDown }: HealthRules,
): boolean {
  if (status !== 'UNHEALTHY' || failures < failuresToDown || failingSinceMs === undefined) return false;
  return observedAtMs - failingSinceMs >= graceMs;
}

/**
 * Whether an observation means that the server's process has ended: it refuses connections, or has been silent for long, or
 * somebody else has seen it down and it is back.
 */
export function hasStopped(before: Judgement, { status, failures }: Judgement, { category }: Observation): boolean {
  if (failures === 0) return before.status === 'UNHEALTHY' && before.failures === 0 && before.successes === 0;
  return (
    category !== undefined && !REFUSALS.has(category) && (category === 'unavailable' ? failures > 1 : !isUp(status))
  );
}

/** Whether it falls so often that an answer means little. */
export function isFlapping({ falls }: Judgement, { fallsToFlapping }: HealthRules): boolean {
  return falls.length >= fallsToFlapping;
}

function isVoid({ latencyMs }: Observation, { deadlineMs, pauseMs }: HealthRules): boolean {
  return latencyMs > deadlineMs + pauseMs;
}

/** The judgement at the time of an observation: time never runs backwards, and what is long past is forgotten. */
function resumed(before: Judgement, { atMs }: Observation, { gapMs, flapWindowMs }: HealthRules): Judgement {
  const observedAtMs = Math.max(atMs, before.observedAtMs);
  const falls = before.falls.filter((fellAtMs) => observedAtMs - fellAtMs < flapWindowMs);
  if (observedAtMs - before.observedAtMs <= gapMs) return { ...before, observedAtMs, falls };
  const { status, sinceMs } = before;
  return { ...UNSEEN, status, sinceMs, observedAtMs, falls };
}

function afterAnswer(now: Judgement, observation: Observation, rules: HealthRules): Judgement {
  const isRough =
    observation.category !== undefined ||
    observation.isPartial === true ||
    (observation.latencyMs > rules.slowMs && !isVoid(observation, rules));
  const next = {
    ...now,
    failures: 0,
    witnessed: 0,
    failingSinceMs: undefined,
    successes: now.successes + 1,
    rough: isRough ? now.rough + 1 : 0,
    smooth: isRough ? 0 : now.smooth + 1,
  };
  return turned(next, statusOfAnswering(next, rules));
}

function statusOfAnswering(now: Judgement, rules: HealthRules): HealthStatus {
  if (now.status === 'UNHEALTHY' && now.successes < rules.successesToUp) return 'UNHEALTHY';
  if (isFlapping(now, rules) || now.rough >= rules.roughToDegraded) return 'DEGRADED';
  if (now.status === 'DEGRADED' && now.smooth < rules.successesToUp) return 'DEGRADED';
  return 'HEALTHY';
}

function afterFailure(
  now: Judgement,
  { observedAtMs: lastAtMs }: Judgement,
  { category }: Observation,
  others: Others,
  rules: HealthRules,
): Judgement {
  // Each failure for itself: an answer that came when the network was back says nothing about a probe that hung before.
  const isWitnessed = (category !== undefined && REFUSALS.has(category)) || others.answeredAtMs > lastAtMs;
  const next = {
    ...now,
    failures: now.failures + 1,
    // The first failure is what makes us look around.
    witnessed: now.failures === 0 || isWitnessed ? now.witnessed + 1 : now.witnessed,
    failingSinceMs: now.failingSinceMs ?? now.observedAtMs,
    successes: 0,
    rough: 0,
    smooth: 0,
  };
  if (next.failures < rules.failuresToDown || now.status === 'UNHEALTHY') return next;
  const isTheirs = next.witnessed >= rules.witnessesToDown || !others.areUp;
  if (!isTheirs) return turned(next, 'UNKNOWN');
  const wasUp = isUp(now.status);
  return turned(wasUp ? { ...next, falls: [...next.falls, now.observedAtMs] } : next, 'UNHEALTHY');
}

function turned(now: Judgement, status: HealthStatus): Judgement {
  return status === now.status ? now : { ...now, status, sinceMs: now.observedAtMs };
}
