import type { Transport } from '@connectrpc/connect';
import { DomainError } from '@morag/errors';

/**
 * Calls a service of this process that is built after its caller. `find` is asked at every call; until it finds one, calls
 * are UNAVAILABLE.
 */
export function deferredTransport(find: () => Transport | undefined): Transport {
  const found = (): Transport => {
    const transport = find();
    if (!transport) throw new DomainError('UNAVAILABLE', 'A service that this call needs is not built yet.');
    return transport;
  };
  return {
    unary: async (...call) => found().unary(...call),
    stream: async (...call) => found().stream(...call),
  };
}
