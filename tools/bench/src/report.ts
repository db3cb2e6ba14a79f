import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Comparison } from './paired.ts';

/** One line of the report. */
export interface Line {
  /** For example `P1`. */
  readonly goal: string;
  /** What exactly was measured: `get, 16 callers, p50`. */
  readonly what: string;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  readonly limit: number;
  /** `ratio`, or a unit. */
  readonly unit: string;
  readonly ok: boolean;
}

const RESULTS = fileURLToPath(new URL('../../../bench/results.json', import.meta.url));

/** A ratio that must not exceed a limit. */
export function ratioLine(goal: string, what: string, { ratio, low, high }: Comparison, limit: number): Line {
  return { goal, what, value: ratio, low, high, limit, unit: 'ratio', ok: ratio <= limit };
}

/** A plain number that must not exceed a limit. */
export function numberLine(goal: string, what: string, value: number, limit: number, unit = 'ratio'): Line {
  return { goal, what, value, limit, unit, ok: value <= limit };
}

/** `P1 ratio 0.93 [0.90..0.97] goal <= 1.00 ok  (get, 1 caller, p50)`. */
export function renderLine({ goal, what, value, low, high, limit, unit, ok }: Line): string {
  const interval = low === undefined || high === undefined ? '' : ` [${low.toFixed(2)}..${high.toFixed(2)}]`;
  return `${goal} ${unit} ${value.toFixed(2)}${interval} goal <= ${limit.toFixed(2)} ${ok ? 'ok' : 'MISSED'}  (${what})`;
}

/** Writes `bench/results.json`. */
export function writeResults(lines: readonly Line[]): void {
  mkdirSync(dirname(RESULTS), { recursive: true });
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  writeFileSync(RESULTS, `${JSON.stringify({ time: new Date().toISOString(), machine, lines }, null, 2)}\n`);
}
