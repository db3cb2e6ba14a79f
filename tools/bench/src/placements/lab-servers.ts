import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerSettings } from '@morag/connectors-core';
import { VENDORS } from '@morag/servers-lab';
import { freePort } from '@morag/testing';

/** A real database server in a folder of its own. */
export interface BenchServer {
  /** Of the server itself; what a vendor's SDK connects to. */
  readonly settings: ServerSettings & { readonly type: string };
  /** As `kill -9` does. */
  kill(): Promise<void>;
  /** After a kill, on the same data. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** Starts one. */
export async function newBenchServer(vendor: string): Promise<BenchServer> {
  const folder = mkdtempSync(join(tmpdir(), `morag-bench-${vendor}-`));
  // PostgreSQL runs under an account of its own where this runs as root.
  chmodSync(folder, 0o755);
  const server = await VENDORS[vendor]?.server?.();
  if (!server) throw new Error(`There is no server of ${vendor} to be measured here.`);
  const place = { port: await freePort(), data: join(folder, 'data') };
  const registration = await server.start(place);
  const settings = { ...registration, port: place.port, tls: 'DISABLED' as const };
  return {
    settings,
    kill: () => server.kill(place),
    async start() {
      await server.start(place);
    },
    async remove() {
      await server.stop(place);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
