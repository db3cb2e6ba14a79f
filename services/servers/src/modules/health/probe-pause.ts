import type { HealthRules, Judgement } from './judge.ts';

/** How often servers are looked at. */
export interface ProbeSettings {
  readonly intervalMs: number;
  /** Between looks at a server that is just changing; doubles from the failure on that decides, up to the interval. */
  readonly suspectMs: number;
  /** How long what a server tells about itself holds. */
  readonly detailsMs: number;
  /** Of how many servers a second that is asked for: with more of them it holds longer. */
  readonly detailsPerSecond: number;
  /** Under way. */
  readonly atOnceMax: number;
  /** Begun in one tick: ticks of a process that lacks CPU come late, so that it begins fewer and each ends in time. */
  readonly atATickMax: number;
}

/** How long to wait before the next look at a server: a tenth more or less, so that looks spread by themselves. */
export function probePauseMs(
  { status, failures, successes }: Judgement,
  { failuresToDown }: HealthRules,
  { intervalMs, suspectMs }: ProbeSettings,
  random: () => number,
): number {
  const isChanging = failures > 0 || (status === 'UNHEALTHY' && successes > 0);
  const doublings = Math.min(20, Math.max(0, failures - failuresToDown));
  const pauseMs = isChanging ? Math.min(intervalMs, suspectMs * 2 ** doublings) : intervalMs;
  return pauseMs * (0.9 + 0.2 * random());
}
