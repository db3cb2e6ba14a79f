import type { HealthRules } from './judge.ts';
import type { ProbeSettings } from './probe-pause.ts';

/** How servers are watched and by what they are judged. */
export interface HealthSettings {
  readonly rules: HealthRules;
  readonly probes: ProbeSettings;
  /** An instance that has not been heard of for so long has its servers judged by others. */
  readonly leaseMs: number;
}

/** What an operator decides. */
export interface HealthChoices {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly failures: number;
  readonly successes: number;
  readonly slowMs: number;
}

/** The settings that follow from an operator's choices. */
export function healthSettings({ intervalMs, timeoutMs, failures, successes, slowMs }: HealthChoices): HealthSettings {
  return {
    rules: {
      failuresToDown: failures,
      witnessesToDown: failures,
      successesToUp: successes,
      slowMs,
      roughToDegraded: 3,
      fallsToFlapping: 3,
      flapWindowMs: 300_000,
      deadlineMs: timeoutMs,
      pauseMs: 1_000,
      gapMs: 3 * intervalMs + timeoutMs,
    },
    probes: {
      intervalMs,
      suspectMs: Math.min(500, intervalMs),
      detailsMs: 60_000,
      detailsPerSecond: 200,
      // Of 10,000 servers, a thousand a second, half may be silent for the two seconds of the deadline.
      atOnceMax: 1_024,
      // Half more than these need, with fifty ticks a second.
      atATickMax: 32,
    },
    leaseMs: 8_000,
  };
}
