import type { CallOptions } from '@morag/connectors-core';
import type { Vendors } from '../src/modules/connector/vendors.ts';

/** A request that an instance has sent to a server. Monotonic milliseconds. */
export interface Span {
  readonly operation: string;
  readonly port: number;
  readonly startedAtMs: number;
  /** Infinity while it is under way. */
  endedAtMs: number;
}

/** Vendors whose connectors note each request; `change` may answer in their place. */
export function traceVendors(
  vendors: Vendors,
  change: (operation: string, port: number, call: () => Promise<unknown>) => Promise<unknown> = (_, __, call) => call(),
): { readonly vendors: Vendors; readonly spans: readonly Span[] } {
  const spans: Span[] = [];
  const open: Vendors['open'] = async (server, secrets) => {
    const { port } = server;
    return new Proxy(await vendors.open(server, secrets), {
      get(target, name: string) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (name === 'capabilities' || name === 'close') return member.bind(target);
        return async (...args: readonly (string | CallOptions)[]): Promise<unknown> => {
          const span = { operation: name, port, startedAtMs: performance.now(), endedAtMs: Number.POSITIVE_INFINITY };
          spans.push(span);
          try {
            return await change(name, port, () => Promise.resolve(Reflect.apply(member, target, args)));
          } finally {
            span.endedAtMs = performance.now();
          }
        };
      },
    });
  };
  return { vendors: { ...vendors, open }, spans };
}
