import { type CallOptions, ConnectorError, type VectorConnector } from '@morag/connectors-core';
import type { SimulatedServer } from './simulated-server.ts';

/** What stands between one instance of the service and the rest of the world. */
export interface Link {
  readonly instanceId: string;
  /** The process was killed: nothing it does has an effect any more, but for what is on the wire. */
  isDead: boolean;
  isCutFromPostgres: boolean;
  readonly cutFrom: Set<SimulatedServer>;
}

/** See overNetwork. */
export interface NetworkDeps {
  readonly link: Link;
  readonly server: SimulatedServer;
  readonly random: () => number;
  /** A request takes effect. */
  readonly onEffect: (operation: string, collection: string) => void;
}

/** What never comes. */
export const NEVER = new Promise<never>(() => {});

/** Milliseconds that a server takes to refuse a connection. */
const REFUSE_MS = 1;
const PASSED_ON = new Set(['vendor', 'capabilities', 'close']);

/**
 * A connector as an instance has it: with the time that requests take, and with the faults between. What is sent is
 * executed at the latest when its sender gives it up: that is what is asked of a server (docs/replication.md).
 */
export function overNetwork(connector: VectorConnector, deps: NetworkDeps): VectorConnector {
  return new Proxy(connector, {
    get(target, name: string) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function' || PASSED_ON.has(name)) {
        return typeof member === 'function' ? member.bind(target) : member;
      }
      return (...args: unknown[]) => {
        const work = (): Promise<unknown> => {
          deps.onEffect(name, String(args[0]));
          return Promise.resolve(Reflect.apply(member, target, args));
        };
        return transmit(deps, name, work, (args.at(-1) ?? {}) as CallOptions);
      };
    },
  });
}

function transmit<T>(
  { link, server, random }: NetworkDeps,
  operation: string,
  work: () => Promise<T>,
  { signal, timeoutMs = 10_000 }: CallOptions,
): Promise<T> {
  if (link.isDead) return NEVER;
  const fail = (category: ConnectorError['category']): ConnectorError =>
    new ConnectorError(category, { vendor: 'chroma', operation }, 'the request has failed');
  const [thereMs, backMs] = [server.latencyMs(random) / 2, server.latencyMs(random) / 2];
  const isExecutedLate = random() < 0.5;
  return new Promise<T>((resolve, reject) => {
    let effect: Promise<T> | undefined;
    const execute = (): Promise<T> => (effect ??= work());
    const answer = (end: () => void): void => {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', cancelled);
      if (!link.isDead) end();
    };
    const giveUp = (category: ConnectorError['category']): void => {
      clearTimeout(arrival);
      if (!effect && isExecutedLate && server.isUp && !link.isDead) execute().catch(() => {});
      answer(() => reject(fail(category)));
    };
    const cancelled = (): void => giveUp('cancelled');
    const deadline = setTimeout(() => giveUp('timeout'), timeoutMs);
    const isRefused = !server.isUp || link.cutFrom.has(server);
    const arrival = setTimeout(
      () => {
        if (isRefused || !server.isUp) return answer(() => reject(fail('unavailable')));
        if (server.isFrozen) return;
        const generation = server.generation;
        execute().then(
          (value) =>
            setTimeout(() => {
              // An answer that the server died before it had sent.
              const isLost = server.generation !== generation || link.cutFrom.has(server);
              answer(() => (isLost ? reject(fail('unavailable')) : resolve(value)));
            }, backMs),
          (error: Error) => setTimeout(() => answer(() => reject(error)), backMs),
        );
      },
      isRefused ? REFUSE_MS : thereMs,
    );
    if (signal?.aborted) cancelled();
    else signal?.addEventListener('abort', cancelled, { once: true });
  });
}
