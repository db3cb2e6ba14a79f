import type { VectorConnector } from '@morag/connectors-core';

/** A connector some of whose methods are others. */
export function altered(connector: VectorConnector, methods: Partial<VectorConnector>): VectorConnector {
  return new Proxy(connector, {
    get(target, name: string) {
      const member: unknown = Reflect.get(name in methods ? methods : target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
