import type { DescService } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { DomainError } from '@morag/errors';
import { type Health, HealthCheckResponse_ServingStatus as Status } from '@morag/gen/grpc/health/v1/health_pb.ts';

/** The state behind `grpc.health.v1.Health`: one for the whole host, shown for each of its services and for "". */
export interface HealthState {
  readonly handlers: ServiceImpl<typeof Health>;
  setServing(serving: boolean): void;
  isServing(): boolean;
}

/** How often a watched host looks at what it needs: nobody tells it when that comes or goes. */
const WATCH_MS = 1_000;

/** Starts as NOT_SERVING. A host serves while it is told to and has what it needs, as `isReady` says. */
export function createHealth(services: readonly DescService[], isReady: () => Promise<boolean>): HealthState {
  const names = new Set(['', ...services.map(({ typeName }) => typeName)]);
  const watchers = new Set<() => void>();
  let serving = false;
  const status = async (name: string): Promise<Status> => {
    if (!names.has(name)) return Status.SERVICE_UNKNOWN;
    return serving && (await isReady()) && serving ? Status.SERVING : Status.NOT_SERVING;
  };
  const changed = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => wake(), WATCH_MS);
      const wake = (): void => {
        clearTimeout(timer);
        watchers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      watchers.add(wake);
      signal.addEventListener('abort', wake);
    });

  return {
    handlers: {
      async check({ service }) {
        // NOT_FOUND is what the health protocol asks for here.
        if (!names.has(service))
          throw new DomainError('ROUTE_NOT_FOUND', `No service ${JSON.stringify(service)} here.`);
        return { status: await status(service) };
      },
      async list() {
        const now = await status('');
        return { statuses: Object.fromEntries([...names].map((name) => [name, { status: now }])) };
      },
      async *watch({ service }, { signal }) {
        let last: Status | undefined;
        while (!signal.aborted) {
          const now = await status(service);
          if (now !== last) yield { status: now };
          else await changed(signal);
          last = now;
        }
      },
    },
    setServing(value) {
      serving = value;
      // Each one removes itself and may come back only in a later turn.
      for (const wake of watchers) wake();
    },
    isServing: () => serving,
  };
}
