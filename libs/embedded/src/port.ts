import { createServer } from 'node:net';

/**
 * Below the range that Linux takes ports from by itself (32,768 and up). There, somebody who asks for any port, or an
 * outgoing connection, could have it before it is used, or while its server is stopped.
 */
const PORTS = { first: 20_000, count: 12_000 };

/** Begins anywhere, so that processes side by side hand out different ones, and hands out none twice in a row. */
let next = Math.trunc(Math.random() * PORTS.count);

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS.count; tries++) {
    const port = PORTS.first + (next++ % PORTS.count);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`No port from ${PORTS.first} on is free.`);
}

/** Whether nothing listens on this address yet. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}
