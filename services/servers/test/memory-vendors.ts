import { DomainError } from '@morag/errors';
import type { Vendors } from '../src/modules/connector/vendors.ts';
import { MemoryServer } from './memory-server.ts';

/** Vendors whose servers stand in memory, one for each port. */
export interface MemoryVendors extends Vendors {
  server(port: number): MemoryServer;
}

/** Creates them. CHROMA is the one type that can be had; its one option is `timeoutMs`. */
export function createMemoryVendors(): MemoryVendors {
  const servers = new Map<number, MemoryServer>();
  const server = (port: number): MemoryServer => {
    const found = servers.get(port) ?? new MemoryServer();
    servers.set(port, found);
    return found;
  };
  return {
    server,
    describe: async () => [],
    async checkConfig(type, config) {
      if (type !== 'CHROMA') throw new DomainError('SERVER_TYPE_NOT_AVAILABLE', `There is no connector for ${type}.`);
      return Object.keys(config)
        .filter((option) => option !== 'timeoutMs')
        .map((option) => ({ field: `config.${option}`, description: 'is no option of this vendor' }));
    },
    open: async ({ port }) => server(port).open(),
    async openLifeline({ port }, onEnd) {
      const { lifelines } = server(port);
      lifelines.add(onEnd);
      return { close: () => void lifelines.delete(onEnd) };
    },
    async test({ port }) {
      const success = server(port).down === undefined;
      const failure = { phase: 'TCP', detail: 'Nothing listens there.' } as const;
      return success
        ? { success, message: 'ok', responseTimeMs: 1, serverInfo: { version: '1.0.0', collectionsCount: 0 } }
        : { success, message: failure.detail, responseTimeMs: 1, failure };
    },
  };
}
