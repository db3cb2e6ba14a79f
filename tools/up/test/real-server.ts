import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@morag/embedded';
import { VENDORS } from '@morag/servers-lab';

/** A real server of a vendor, which can be killed. */
export interface RealServer {
  /** What `POST /v1/servers` needs beside a name. */
  readonly registration: object;
  start(): Promise<void>;
  /** As `kill -9` does. */
  kill(): Promise<void>;
  /** Stops it, and its data goes. */
  remove(): Promise<void>;
}

/** Starts one on a free port. */
export async function startRealServer(vendor: string): Promise<RealServer> {
  const server = await VENDORS[vendor]?.server?.();
  if (!server) throw new Error(`There is no ${vendor} to be had here.`);
  const folder = mkdtempSync(join(tmpdir(), `morag-real-${vendor}-`));
  // PostgreSQL runs under an account of its own where the tests run as root.
  chmodSync(folder, 0o755);
  const place = { port: await freePort(), data: join(folder, 'data') };
  const registration = await server.start(place);
  return {
    registration: { ...registration, port: place.port },
    async start() {
      await server.start(place);
    },
    kill: () => server.kill(place),
    async remove() {
      await server.stop(place);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
