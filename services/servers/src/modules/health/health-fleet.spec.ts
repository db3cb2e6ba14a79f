import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { CATEGORIES, type Category } from '@morag/connectors-core';
import { createHealthFleet, type HealthFleet } from './health-fleet.ts';
import { type HealthRules, isDownFor, isFlapping, type Observation } from './judge.ts';

const RULES: HealthRules = {
  failuresToDown: 3,
  witnessesToDown: 3,
  successesToUp: 2,
  slowMs: 1_000,
  roughToDegraded: 3,
  fallsToFlapping: 3,
  flapWindowMs: 300_000,
  deadlineMs: 2_000,
  pauseMs: 1_000,
  gapMs: 35_000,
};

interface Theme {
  readonly theme: string;
  readonly cases: readonly { readonly name: string; readonly story: string }[];
}

const folder = new URL('./cases/', import.meta.url);
const themes = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map(read);

function read(file: string): Theme {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Theme;
}

describe.each(themes)('$theme', ({ cases }) => {
  it.each(cases)('$name', ({ story }) => {
    expect(play(story, RULES)).toEqual([]);
  });
});

it.each([
  ['no witness', { witnessesToDown: 0 }, 'all-at-once.json'],
  ['one failure', { failuresToDown: 1 }, 'going-down.json'],
  ['one answer', { successesToUp: 1 }, 'recovery.json'],
  ['no memory of falls', { flapWindowMs: 0 }, 'flapping.json'],
  ['no bound of slowness', { slowMs: Number.POSITIVE_INFINITY }, 'slow.json'],
  ['no notion of a pause', { pauseMs: Number.POSITIVE_INFINITY }, 'clock.json'],
  ['no notion of a gap', { gapMs: Number.POSITIVE_INFINITY }, 'clock.json'],
])('the cases tell a decision that asks for %s', (_, mutation, file) => {
  const wrong = read(file).cases.flatMap(({ story }) => play(story, { ...RULES, ...mutation }));
  expect(wrong).not.toEqual([]);
});

it('has at least 120 cases, each of a name of its own', () => {
  const names = themes.flatMap(({ cases }) => cases.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(120);
});

/** Plays a story (see cases/README.md) and answers what is not as it says. */
function play(story: string, rules: HealthRules): string[] {
  const wrong: string[] = [];
  const fleet = createHealthFleet(rules);
  const steps = story.split(';').map((step) => step.trim());
  // Steps of one time are played in the order in which they stand; ranges that overlap are interleaved by time.
  for (const group of groupsOf(steps)) {
    const events = group.flatMap(eventsOf).toSorted((a, b) => a.atMs - b.atMs);
    if (goesBack(group)) for (const event of group.flatMap(eventsOf)) apply(fleet, event);
    else for (const event of events) apply(fleet, event);
    for (const step of group) {
      if (/^\d/.test(step) || holds(fleet, step, rules)) continue;
      wrong.push(`not so: ${step}; it is ${JSON.stringify(fleet.judgement(step.slice(0, 1)))}`);
    }
  }
  return wrong;
}

/** Runs of events, and each assertion by itself. */
function groupsOf(steps: readonly string[]): string[][] {
  const groups: string[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    const isEvent = /^\d/.test(step);
    if (isEvent && last && /^\d/.test(last[0] ?? '')) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

/** A story about a clock that is set back is played as it stands. */
function goesBack(group: readonly string[]): boolean {
  const ends = group.map((step) => Number(/^(?:[\d.]+-)?([\d.]+)/.exec(step)?.[1] ?? 0));
  const starts = group.map((step) => Number(/^[\d.]+/.exec(step)?.[0] ?? 0));
  return starts.some((start, index) => index > 0 && start < (starts[index - 1] ?? 0) && start < (ends[index - 1] ?? 0));
}

interface StoryEvent {
  readonly atMs: number;
  readonly server: string;
  readonly what: string;
  readonly latencyMs: number | undefined;
}

function eventsOf(step: string): StoryEvent[] {
  const match = /^([\d.]+)(?:-([\d.]+)\/([\d.]+))? ([a-z,]+) (is there|is gone|\w+)(?: (\d+))?$/.exec(step);
  if (!match) {
    if (/^\d/.test(step)) throw new Error(`no step of a story: ${step}`);
    return [];
  }
  const [, from, to = from, by = '1', servers = '', what = '', latency] = match;
  const events: StoryEvent[] = [];
  // Counted in tenths: sums of decimal fractions drift.
  for (let at = tenths(from); at <= tenths(to); at += tenths(by)) {
    for (const server of servers.split(',')) {
      events.push({ atMs: at * 100, server, what, latencyMs: latency === undefined ? undefined : Number(latency) });
    }
  }
  return events;
}

function tenths(seconds = '0'): number {
  return Math.round(Number(seconds) * 10);
}

function apply(fleet: HealthFleet, { atMs, server, what, latencyMs }: StoryEvent): void {
  if (what === 'answers') fleet.answered(server, atMs);
  else if (what === 'is there') fleet.setNeighbour(server, true);
  else if (what === 'is gone') fleet.setNeighbour(server, false);
  else fleet.observe(server, observationOf(atMs, what, latencyMs));
}

function observationOf(atMs: number, what: string, latencyMs: number | undefined): Observation {
  if (what === 'ok') return { atMs, latencyMs: latencyMs ?? 5 };
  if (what === 'partial') return { atMs, latencyMs: latencyMs ?? 5, isPartial: true };
  if (!isCategory(what)) throw new Error(`no step of a story: ${what}`);
  return { atMs, latencyMs: latencyMs ?? (what === 'timeout' ? RULES.deadlineMs : 5), category: what };
}

function isCategory(text: string): text is Category {
  return (CATEGORIES as readonly string[]).includes(text);
}

function holds(fleet: HealthFleet, step: string, rules: HealthRules): boolean {
  const [server = '', ...rest] = step.split(' ');
  const judgement = fleet.judgement(server);
  const said = rest.join(' ');
  const number = Number(rest.at(-1));
  if (server === 'unsure') return fleet.unsure.size === number;
  if (said === 'flaps' || said === 'is steady') return isFlapping(judgement, rules) === (said === 'flaps');
  if (rest[0] === 'since') return judgement.sinceMs === number * 1_000;
  if (/^(not )?down/.test(said)) return isDownFor(judgement, number * 1_000, rules) === (rest[0] === 'down');
  if (rest[0] === 'is') return judgement.status === rest[1];
  throw new Error(`no step of a story: ${step}`);
}
