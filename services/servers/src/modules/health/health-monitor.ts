import type { VectorConnector } from '@morag/connectors-core';
import type { Logger } from '@morag/telemetry';
import { type Budget, createBudget } from './details-budget.ts';
import type { DueQueue } from './due-queue.ts';
import type { StoredStatus } from './health.store.ts';
import { type HealthFleet, setIn } from './health-fleet.ts';
import { isUp } from './health-status.ts';
import type { HealthBoard } from './health-view.ts';
import type { HealthWriter } from './health-writer.ts';
import {
  type HealthRules,
  hasStopped,
  isDownFor,
  isFlapping,
  type Judgement,
  type Observation,
  UNSEEN,
} from './judge.ts';
import type { Lifelines } from './lifelines.ts';
import { createPanicAlarm } from './panic-alarm.ts';
import { isFailure, NO_DETAILS, type Probed, probe, toLook } from './probe.ts';
import type { ProbeConnectors } from './probe-connectors.ts';
import { type ProbeSettings, probePauseMs } from './probe-pause.ts';
import type { RosterEntry } from './roster.store.ts';
import { newWatched, type Watched } from './watched.ts';
import { chooseWitnesses } from './witnesses.ts';

/** Probes and judges the servers that are this process's. */
export interface HealthMonitor {
  /** The servers to watch; those that are no longer among them are forgotten. Answers who was forgotten. */
  setRoster(roster: readonly RosterEntry[], isMine: (serverId: string) => boolean): readonly string[];
  /** What is stored of servers, for those that others judge, and as a beginning for those that become ours. */
  setStored(statuses: readonly StoredStatus[]): void;
  /** Looks at a server at once. */
  probeNow(serverId: string): void;
  /** Does what is due; called every few milliseconds. */
  tick(): void;
  /** Since when a server of this process has its status, in monotonic milliseconds; undefined for another process's. */
  statusSince(serverId: string): number | undefined;
  /** Servers of this process that have failed for at least so long, watched all the time. */
  downFor(graceMs: number): readonly string[];
  /** When a server of this process was first seen to fail, of those that fail. */
  downSince(serverId: string): Date;
  /** Servers fail and nobody answers: it may be this process that is cut off. */
  isPanicking(): boolean;
  /** Whether a server of this process comes and goes. */
  isFlapping(serverId: string): boolean;
  /** Ends when no probe is under way any more. */
  stop(): Promise<void>;
}

/** See createHealthMonitor; time and chance are parts, so that a simulation can drive it. */
export interface HealthMonitorDeps {
  readonly fleet: HealthFleet;
  readonly rules: HealthRules;
  readonly board: HealthBoard;
  readonly queue: DueQueue;
  readonly connectors: Pick<ProbeConnectors, 'find' | 'rest' | 'drop'>;
  readonly lifelines: Pick<Lifelines, 'keep' | 'drop'>;
  readonly writer: Pick<HealthWriter, 'look' | 'status'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly clock: () => Date;
  readonly random: () => number;
  readonly logger: Logger;
  readonly settings: ProbeSettings;
}

/** New servers are looked at so far apart at first, so that a start with many is no burst. */
const SPREAD_MS = 10;

/** Creates a monitor that watches nothing yet. */
export function createHealthMonitor(deps: HealthMonitorDeps): HealthMonitor {
  return new Monitor(deps);
}

class Monitor implements HealthMonitor {
  readonly #deps: HealthMonitorDeps;
  readonly #alarm: (unsure: number) => void;
  readonly #mayAskDetails: Budget;
  readonly #watched = new Map<string, Watched>();
  readonly #stored = new Map<string, StoredStatus>();
  readonly #down = new Set<string>();
  readonly #stopping = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #ids: readonly string[] = [];

  constructor(deps: HealthMonitorDeps) {
    this.#deps = deps;
    this.#alarm = createPanicAlarm(deps.logger);
    this.#mayAskDetails = createBudget(deps.now, deps.settings.detailsPerSecond);
  }

  setRoster(roster: readonly RosterEntry[], isMine: (serverId: string) => boolean): readonly string[] {
    const present = new Set(roster.map(({ id }) => id));
    const gone = this.#ids.filter((id) => !present.has(id));
    for (const id of gone) this.#forget(id);
    for (const { id, revision } of roster) {
      const watched = this.#watched.get(id) ?? this.#add(id);
      if (watched.revision !== revision) this.#reconfigured(id, watched);
      watched.revision = revision;
      if (watched.isMine !== isMine(id)) this.#change(id, watched, roster.length);
    }
    this.#ids = [...present];
    return gone;
  }

  setStored(statuses: readonly StoredStatus[]): void {
    const { board, fleet } = this.#deps;
    for (const stored of statuses) {
      const { serverId, status } = stored;
      this.#stored.set(serverId, stored);
      if (this.#watched.get(serverId)?.isMine) {
        if (fleet.judgement(serverId) === UNSEEN) this.#resume(stored);
        continue;
      }
      board.set(serverId, status);
      fleet.setNeighbour(serverId, isUp(status) && this.#watched.has(serverId));
    }
  }

  probeNow(serverId: string): void {
    const watched = this.#watched.get(serverId);
    if (!watched) return;
    const { fleet, queue, now, settings } = this.#deps;
    const { failures, observedAtMs } = fleet.judgement(serverId);
    // One that fails is looked at closely already: three failures within a millisecond would be one.
    if (failures > 0) queue.schedule(serverId, Math.max(now(), observedAtMs + settings.suspectMs));
    else if (watched.isUnderWay) watched.isAskedAgain = true;
    else queue.schedule(serverId, now());
  }

  tick(): void {
    const { queue, settings, now } = this.#deps;
    const free = settings.atOnceMax - this.#underWay.size;
    const due = queue.takeDue(now(), Math.min(free, settings.atATickMax));
    if (due.length === 0) return;
    const entries: RosterEntry[] = [];
    for (const id of due) {
      const watched = this.#watched.get(id);
      if (!watched || watched.isUnderWay) continue;
      watched.isUnderWay = true;
      entries.push({ id, revision: watched.revision });
    }
    const work = this.#probeAll(entries).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  statusSince(serverId: string): number | undefined {
    return this.#watched.get(serverId)?.isMine ? this.#deps.fleet.judgement(serverId).sinceMs : undefined;
  }

  downFor(graceMs: number): readonly string[] {
    const { fleet, rules } = this.#deps;
    return [...this.#down].filter((id) => isDownFor(fleet.judgement(id), graceMs, rules));
  }

  downSince(serverId: string): Date {
    const { failingSinceMs } = this.#deps.fleet.judgement(serverId);
    return this.#timeOf(failingSinceMs ?? this.#deps.now());
  }

  isPanicking(): boolean {
    return this.#deps.fleet.unsure.size > 0;
  }

  isFlapping(serverId: string): boolean {
    return isFlapping(this.#deps.fleet.judgement(serverId), this.#deps.rules);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#underWay);
  }

  #add(id: string): Watched {
    const watched = newWatched();
    this.#watched.set(id, watched);
    return watched;
  }

  #reconfigured(id: string, watched: Watched): void {
    watched.details = undefined;
    this.#deps.lifelines.drop(id);
  }

  /** A server becomes ours, or another process's. */
  #change(id: string, watched: Watched, count: number): void {
    const { fleet, queue, now, random, settings, lifelines } = this.#deps;
    watched.isMine = !watched.isMine;
    const stored = this.#stored.get(id);
    this.#down.delete(id);
    fleet.forget(id);
    lifelines.drop(id);
    if (watched.isMine) {
      queue.schedule(id, now() + random() * Math.min(settings.intervalMs, count * SPREAD_MS));
      if (stored) this.#resume(stored);
    } else if (stored) fleet.setNeighbour(id, isUp(stored.status));
  }

  /** Begins with what was last judged, by another process or by a connection test. */
  #resume({ serverId, status, sinceAt }: StoredStatus): void {
    const { fleet, board, clock, now } = this.#deps;
    fleet.resume(serverId, { ...UNSEEN, status, sinceMs: now() - (clock().getTime() - sinceAt.getTime()) });
    board.set(serverId, status);
  }

  #forget(id: string): void {
    const { board, fleet, queue, connectors, lifelines } = this.#deps;
    this.#watched.delete(id);
    this.#stored.delete(id);
    this.#down.delete(id);
    fleet.forget(id);
    board.forget(id);
    queue.remove(id);
    connectors.drop(id);
    lifelines.drop(id);
  }

  async #probeAll(entries: readonly RosterEntry[]): Promise<void> {
    const { connectors, logger } = this.#deps;
    const found = await connectors.find(entries).catch((error: unknown) => {
      logger.debug({ err: error }, 'servers to be probed could not be read');
      return new Map<string, VectorConnector>();
    });
    for (const { id } of entries) {
      const connector = found.get(id);
      if (!connector) {
        this.#rest(id);
        continue;
      }
      const work = this.#probeOne(id, connector).finally(() => this.#underWay.delete(work));
      this.#underWay.add(work);
    }
  }

  async #probeOne(id: string, connector: VectorConnector): Promise<void> {
    const { rules, now, settings, connectors } = this.#deps;
    const { signal } = this.#stopping;
    const before = this.#watched.get(id)?.details;
    const isDue = (before?.untilMs ?? 0) <= now();
    const asks = isDue && this.#mayAskDetails();
    const known = asks ? undefined : (before?.of ?? NO_DETAILS);
    const probed = await probe(connector, { signal, timeoutMs: rules.deadlineMs, now, known });
    connectors.rest(id);
    const watched = this.#watched.get(id);
    if (!watched || signal.aborted) return;
    if (!probed.details) watched.details = undefined;
    else if (asks) watched.details = { of: probed.details, untilMs: now() + settings.detailsMs };
    const { uncleanStopWindowMs } = connector.capabilities();
    this.#judge(id, watched, probed, uncleanStopWindowMs > 0);
    this.#rest(id);
  }

  /** Nothing is under way for it any more; it is looked at again when it is time. */
  #rest(id: string): void {
    const { fleet, rules, settings, random, queue, now } = this.#deps;
    const watched = this.#watched.get(id);
    if (!watched) return;
    const waitMs = watched.isAskedAgain ? 0 : probePauseMs(fleet.judgement(id), rules, settings, random);
    watched.isUnderWay = false;
    watched.isAskedAgain = false;
    // One that another process judges was looked at as a witness only.
    if (watched.isMine) queue.schedule(id, now() + waitMs);
  }

  #judge(id: string, watched: Watched, probed: Probed, isFragile: boolean): void {
    const { fleet, board, writer, clock, lifelines } = this.#deps;
    const { observation } = probed;
    if (!watched.isMine) {
      if (isFailure(observation)) return;
      fleet.answered(id, observation.atMs);
      board.setSuspect(id, false);
      return;
    }
    const before = fleet.judgement(id);
    const judgement = fleet.observe(id, observation);
    // It says nothing about the server.
    if (judgement === before) return;
    board.setSuspect(id, judgement.failures > 0);
    board.set(id, judgement.status);
    setIn(this.#down, id, judgement.status === 'UNHEALTHY');
    writer.look(toLook(id, judgement.status, clock(), probed));
    if (isFragile && judgement.failures === 0) lifelines.keep(id);
    const stoppedAt = isFragile ? this.#stopOf(watched, before, judgement, observation) : undefined;
    if (stoppedAt || judgement.status !== before.status) this.#turned(id, judgement, stoppedAt);
    this.#alarm(fleet.unsure.size);
    if (judgement.failures > 0) for (const other of chooseWitnesses(id, this.#ids, this.#deps)) this.probeNow(other);
  }

  /**
   * When it stopped, where that is to be told: at once, and again when it answers, since what was only silent may have
   * confirmed more before it really died.
   */
  #stopOf(watched: Watched, before: Judgement, judgement: Judgement, observation: Observation): Date | undefined {
    const known = watched.stoppedAt;
    if (judgement.failures === 0) watched.stoppedAt = undefined;
    if (known) return judgement.failures === 0 ? known : undefined;
    if (!hasStopped(before, judgement, observation)) return undefined;
    const at = this.#timeOf(judgement.failingSinceMs ?? judgement.observedAtMs);
    if (judgement.failures > 0) watched.stoppedAt = at;
    return at;
  }

  #turned(id: string, judgement: Judgement, stoppedAt: Date | undefined): void {
    const { writer, logger } = this.#deps;
    const { status, sinceMs, observedAtMs } = judgement;
    const sinceAt = this.#timeOf(Number.isFinite(sinceMs) ? sinceMs : observedAtMs);
    writer.status({ serverId: id, status, sinceAt, stoppedAt });
    logger.info({ serverId: id, status }, 'a server’s health has changed');
  }

  #timeOf(ms: number): Date {
    return new Date(this.#deps.clock().getTime() - (this.#deps.now() - ms));
  }
}
