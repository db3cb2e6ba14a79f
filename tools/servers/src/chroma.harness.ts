import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chroma } from '@morag/connectors-chroma';
import { answerHttp, BUSY_SECONDS, type Harness } from '@morag/connectors-conformance';
import type { ServerSettings } from '@morag/connectors-core';
import { createEgress } from '@morag/egress';
import { freePort, startEmbeddedChroma } from '@morag/embedded';
import { chromaServer } from './chroma.server.ts';
import { external } from './external.ts';
import { serversFolder } from './folders.ts';
import { LabError } from './lab-server.ts';

const egress = createEgress({ allow: [], embedded: true });

const COMMON = {
  vendor: 'chroma',
  secrets: ['s3cret-token-of-chroma'],
  trouble: {
    busy: answerHttp(429, { 'retry-after': String(BUSY_SECONDS) }),
    failing: answerHttp(500),
    unavailable: answerHttp(503),
  },
  http: true,
  exceptions: {},
} as const;

const TENANT = 'morag_conformance';

/** Makes the tenant, and in it the database that `settings` names. */
async function createTenant({ host, port, database = 'default_database' }: ServerSettings): Promise<void> {
  const tenants = `http://${host}:${port}/api/v2/tenants`;
  for (const [url, name] of [
    [tenants, TENANT],
    [`${tenants}/${TENANT}/databases`, database],
  ] as const) {
    const headers = { 'content-type': 'application/json' };
    const { ok, status } = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ name }) });
    if (!ok && status !== 409) throw new LabError(`Chroma answers ${status} to ${url}`);
  }
}

function harness(server: string, settings: ServerSettings, rest: Pick<Harness, 'restart' | 'stop'>): Harness {
  return {
    ...COMMON,
    ...rest,
    server,
    settings,
    async namespace() {
      await createTenant(settings);
      return { config: { ...settings.config, tenant: TENANT } };
    },
    open(overrides) {
      const changed = { ...settings, ...overrides };
      return chroma.create(changed, chroma.options.parse(changed.config), { egress });
    },
  };
}

/** The server that MORAG_CONFORMANCE_CHROMA_URL names, or undefined. */
export function externalChroma(): Harness | undefined {
  const settings = external('CHROMA', 8000);
  return settings && harness(`Chroma at ${settings.host}`, settings, { stop: async () => {} });
}

/** Chroma 1.0.0 out of npm, with data of its own that go with it. */
export async function embeddedChroma(): Promise<Harness> {
  const folder = mkdtempSync(join(tmpdir(), 'morag-chroma-'));
  const port = await freePort();
  let server = await startEmbeddedChroma({ folder, port });
  return harness(
    'Chroma 1.0.0 (npm)',
    { host: server.host, port, tls: 'DISABLED', config: {} },
    {
      async restart() {
        process.kill(server.pid, 'SIGKILL');
        await server.exited;
        server = await startEmbeddedChroma({ folder, port });
      },
      async stop() {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    },
  );
}

/** The current Chroma, installed when it is not. */
export async function realChroma(): Promise<Harness> {
  const port = await freePort();
  const data = join(serversFolder(), 'data', `chroma-conformance-${port}`);
  const options = { port, data };
  const { host } = await chromaServer.start(options);
  return harness(
    `Chroma ${chromaServer.version}`,
    { host, port, tls: 'DISABLED', config: {} },
    {
      async restart() {
        await chromaServer.kill(options);
        await chromaServer.start(options);
      },
      async stop() {
        await chromaServer.stop(options);
        for (const path of [data, `${data}.log`]) rmSync(path, { recursive: true, force: true });
      },
    },
  );
}
