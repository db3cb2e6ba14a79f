import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { type ConnectRouter, createConnectRouter } from '@connectrpc/connect';
import type { UniversalHandler, UniversalHandlerOptions } from '@connectrpc/connect/protocol';
import { isEndless, methodName } from '../method-name.ts';
import { isNotYetAvailable } from '../not-yet-available.ts';

/** What the services registered. */
export interface Registration {
  readonly handlers: readonly UniversalHandler[];
  readonly services: readonly DescService[];
  readonly unavailable: ReadonlySet<DescMethod>;
}

/** Signals that end calls when the service stops: streams without an end at once, all others when the grace is over. */
export interface StopSignals {
  readonly endless: AbortSignal;
  readonly all: AbortSignal;
}

/** A handler of any kind of method; which kind, the method says. */
type Handler = (...args: unknown[]) => unknown;

/**
 * Runs `routes` with a router that allows nothing to be forgotten: options of a single service are refused, because they
 * would replace the interceptors, and every method needs a handler (`notYetAvailable` makes one).
 */
export function register(
  routes: (router: ConnectRouter) => void,
  options: Partial<UniversalHandlerOptions>,
  stop: StopSignals,
): Registration {
  const base = createConnectRouter(options);
  const services: DescService[] = [];
  const unavailable = new Set<DescMethod>();

  const rpc = (method: DescMethod, handler: Handler, owner: object): void => {
    if (isNotYetAvailable(handler)) unavailable.add(method);
    base.rpc(method, handler.bind(owner) as never, {
      shutdownSignal: isEndless(method) ? stop.endless : stop.all,
    });
  };

  const strict: ConnectRouter = {
    handlers: base.handlers,
    service(service, implementation, own) {
      if (own !== undefined) throw new Error(`${service.typeName} is registered with options of its own`);
      services.push(service);
      for (const method of service.methods) {
        const handler = (implementation as Record<string, unknown>)[method.localName];
        if (typeof handler !== 'function') {
          throw new Error(`${methodName(method)} has no handler; write one or list it in notYetAvailable`);
        }
        rpc(method, handler as Handler, implementation);
      }
      return strict;
    },
    rpc() {
      throw new Error('register whole services, so that none of their methods is forgotten');
    },
  };
  routes(strict);
  return { handlers: base.handlers, services, unavailable };
}
