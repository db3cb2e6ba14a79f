import { isUp } from './health-status.ts';
import { type HealthRules, type Judgement, judge, type Observation, type Others, UNSEEN } from './judge.ts';

/** The servers that one process judges, each with an eye on the others. */
export interface HealthFleet {
  /** Judges by what was seen, and answers the new judgement. */
  observe(serverId: string, observation: Observation): Judgement;
  /** A server has answered somebody: the network is there. */
  answered(serverId: string, atMs: number): void;
  /** A server that another process judges is up or is not. */
  setNeighbour(serverId: string, isUpThere: boolean): void;
  judgement(serverId: string): Judgement;
  /** Begins with what was last stored of a server. */
  resume(serverId: string, judgement: Judgement): void;
  forget(serverId: string): void;
  /** Servers that fail while nobody else answers either. */
  readonly unsure: ReadonlySet<string>;
}

/** Creates a fleet of no servers. Each step costs the same, however many there are. */
export function createHealthFleet(rules: HealthRules): HealthFleet {
  const judgements = new Map<string, Judgement>();
  /** Servers that could testify: those that are up, and those that fell silent together with the rest. */
  const witnesses = new Set<string>();
  const unsure = new Set<string>();
  const answers = newLatestAnswers();

  const keep = (serverId: string, judgement: Judgement): Judgement => {
    judgements.set(serverId, judgement);
    const isUnsure = judgement.status === 'UNKNOWN' && judgement.failures >= rules.failuresToDown;
    setIn(unsure, serverId, isUnsure);
    setIn(witnesses, serverId, isUp(judgement.status) || isUnsure);
    return judgement;
  };
  const othersOf = (serverId: string): Others => ({
    answeredAtMs: answers.latestBut(serverId),
    areUp: witnesses.size > (witnesses.has(serverId) ? 1 : 0),
  });
  const judgement = (serverId: string): Judgement => judgements.get(serverId) ?? UNSEEN;

  return {
    observe(serverId, observation) {
      if (observation.category === undefined) answers.add(serverId, observation.atMs);
      return keep(serverId, judge(judgement(serverId), observation, othersOf(serverId), rules));
    },
    answered: answers.add,
    setNeighbour(serverId, isUpThere) {
      if (!judgements.has(serverId)) setIn(witnesses, serverId, isUpThere);
    },
    judgement,
    resume: keep,
    forget(serverId) {
      judgements.delete(serverId);
      witnesses.delete(serverId);
      unsure.delete(serverId);
    },
    unsure,
  };
}

/** The two servers that answered last are enough to know when any but one did. */
function newLatestAnswers() {
  let latest = { serverId: '', atMs: Number.NEGATIVE_INFINITY };
  let second = latest;
  return {
    add(serverId: string, atMs: number): void {
      if (latest.serverId !== serverId && atMs >= latest.atMs) second = latest;
      else if (latest.serverId !== serverId && atMs > second.atMs) second = { serverId, atMs };
      if (atMs >= latest.atMs) latest = { serverId, atMs };
    },
    latestBut: (serverId: string): number => (latest.serverId === serverId ? second.atMs : latest.atMs),
  };
}

/** Puts a value in a set or takes it out. */
export function setIn(set: Set<string>, value: string, isIn: boolean): void {
  if (isIn) set.add(value);
  else set.delete(value);
}
