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

/** Starts as NOT_SERVING. */
export function createHealth(services: readonly DescService[]): HealthState {
  const names = new Set(['', ...services.map(({ typeName }) => typeName)]);
  const watchers = new Set<() => void>();
  let serving = false;
  const status = (name: string) => {
    if (!names.has(name)) return Status.SERVICE_UNKNOWN;
    return serving ? Status.SERVING : Status.NOT_SERVING;
  };
  const changed = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        watchers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      watchers.add(wake);
      signal.addEventListener('abort', wake);
    });

  return {
    handlers: {
      check({ service }) {
        // NOT_FOUND is what the health protocol asks for here.
        if (!names.has(service))
          throw new DomainError('ROUTE_NOT_FOUND', `No service ${JSON.stringify(service)} here.`);
        return { status: status(service) };
      },
      list: () => ({ statuses: Object.fromEntries([...names].map((name) => [name, { status: status(name) }])) }),
      async *watch({ service }, { signal }) {
        let last: Status | undefined;
        while (!signal.aborted) {
          const now = status(service);
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
