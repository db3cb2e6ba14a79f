import type { IncomingMessage, ServerResponse } from 'node:http';
import { breakOff, type PineconeFault } from './faults.ts';
import { IndexHosts, openListener } from './hosts.ts';
import { buildService } from './service.ts';
import type { Lags, StoredIndex } from './stored-index.ts';

export interface PineconeStandInOptions {
  /** The one key that is accepted. */
  readonly apiKey: string;
  readonly lags?: Partial<Lags>;
}

/**
 * Pinecone's control plane, and its data plane with a port for each index, as far as connectors use them. What is not
 * documented is refused: unknown fields, wrong types, wrong methods. The vendor's own SDK talks to it over sockets.
 */
export interface PineconeStandIn {
  readonly host: string;
  /** Of the control plane. It takes requests for an index too, by their Host header, as a gateway would. */
  readonly port: number;
  readonly url: string;
  set(fault: PineconeFault): void;
  setLags(lags: Partial<Lags>): void;
  /** Breaks every connection and listens again on the same ports, with what was stored. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPineconeStandIn(options: PineconeStandInOptions): Promise<PineconeStandIn> {
  let lags: Lags = { createMs: 0, deleteMs: 0, writeMs: 0, ...options.lags };
  let fault: PineconeFault = { kind: 'none' };
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    if (fault.kind === 'truncated') {
      breakOff(response);
      if (fault.once) fault = { kind: 'none' };
    }
    service.routing(request, response);
  };
  const hosts = new IndexHosts(handle);
  const project = {
    indexes: new Map<string, StoredIndex>(),
    lags: () => lags,
    hostOf: async (name: string) => `http://${await hosts.hostOf(name)}`,
    nameAt: (authority: string | undefined) => hosts.nameAt(authority),
  };
  const service = buildService({ apiKey: options.apiKey, project, fault: () => fault });
  await service.ready();
  const control = await openListener(handle);
  const listeners = async () => [control, ...(await hosts.all())];
  return {
    host: '127.0.0.1',
    port: control.port,
    url: `http://${control.authority}`,
    set: (next) => void (fault = next),
    setLags: (next) => void (lags = { ...lags, ...next }),
    async restart() {
      const all = await listeners();
      await Promise.all(all.map((each) => each.close()));
      await Promise.all(all.map((each) => each.listen()));
    },
    async stop() {
      await Promise.all((await listeners()).map((each) => each.close()));
      await service.close();
    },
  };
}
