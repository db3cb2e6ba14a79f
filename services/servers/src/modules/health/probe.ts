import { isConnectorError, type VectorConnector } from '@morag/connectors-core';
import { newId } from '@morag/orm';
import type { HealthCheck } from './health.ts';
import type { HealthStatus } from './health-status.ts';
import type { Observation } from './judge.ts';

/** What a server tells about itself, asked for less often than whether it is there. */
export interface ServerDetails {
  /** Empty when unknown. */
  readonly version: string;
  readonly collectionsCount: number | null;
  readonly storageBytes: number | null;
  /** Not all of it could be read. */
  readonly isPartial: boolean;
}

/** Of a server that has not been asked. */
export const NO_DETAILS: ServerDetails = {
  version: '',
  collectionsCount: null,
  storageBytes: null,
  isPartial: false,
};

/** What a probe found. */
export interface Probed {
  readonly observation: Observation;
  /** Undefined when it was not asked for, or when the server did not answer. */
  readonly details?: ServerDetails;
}

/** See probe. */
export interface ProbeOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Ask for details too; else these still hold. */
  readonly known?: ServerDetails;
}

type Probing = Pick<VectorConnector, 'ping' | 'info' | 'serverStats'>;

/** Asks a server whether it is there and takes our credentials; the cheapest call that proves it, within the deadline. */
export async function probe(connector: Probing, options: ProbeOptions): Promise<Probed> {
  const { signal, timeoutMs, now, known } = options;
  const startedAtMs = now();
  try {
    await connector.ping({ signal, timeoutMs });
    const latencyMs = now() - startedAtMs;
    const leftMs = Math.max(1, timeoutMs - latencyMs);
    const details = known ?? (await readDetails(connector, { signal, timeoutMs: leftMs }));
    return { observation: { atMs: now(), latencyMs, isPartial: details.isPartial }, details };
  } catch (error) {
    // What is no connector's error is a fault of this program: it must not take a server down.
    const category = isConnectorError(error) ? error.category : 'cancelled';
    return { observation: { atMs: now(), latencyMs: now() - startedAtMs, category } };
  }
}

async function readDetails(connector: Probing, options: { signal: AbortSignal; timeoutMs: number }) {
  const [stats, info] = await Promise.allSettled([connector.serverStats(options), connector.info(options)]);
  for (const result of [stats, info]) {
    // The ping of some servers asks for no credentials.
    if (isRejected(result) && isConnectorError(result.reason) && result.reason.category === 'unauthenticated') {
      throw result.reason;
    }
  }
  return {
    version: isRejected(info) ? '' : info.value.version,
    collectionsCount: isRejected(stats) ? null : stats.value.collections,
    storageBytes: isRejected(stats) ? null : (stats.value.sizeBytes ?? null),
    isPartial: isRejected(stats) || isRejected(info),
  };
}

function isRejected(result: PromiseSettledResult<unknown>): result is PromiseRejectedResult {
  return result.status === 'rejected';
}

/** Whether a probe speaks against the server: one that asks us to come less often is there. */
export function isFailure({ category }: Observation): boolean {
  return category !== undefined && category !== 'rate_limited';
}

/** A probe as it is kept. */
export function toLook(serverId: string, status: HealthStatus, checkedAt: Date, probed: Probed): HealthCheck {
  const { observation, details } = probed;
  return {
    id: newId(),
    serverId,
    checkedAt,
    status,
    latencyMs: observation.latencyMs,
    errorCategory: isFailure(observation) ? (observation.category ?? '') : '',
    serverVersion: details?.version ?? '',
    collectionsCount: details?.collectionsCount ?? null,
    storageBytes: details?.storageBytes ?? null,
  };
}
