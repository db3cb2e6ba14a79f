import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Harness } from '@morag/connectors-conformance';
import type { ServerSettings } from '@morag/connectors-core';
import { pgvector } from '@morag/connectors-pgvector';
import { createEgress } from '@morag/egress';
import { freePort } from '@morag/embedded';
import { Client } from 'pg';
import { external } from './external.ts';
import { serversFolder } from './folders.ts';
import { pgvectorServer } from './pgvector.server.ts';

const egress = createEgress({ allow: [], embedded: true });

const COMMON = {
  vendor: 'pgvector',
  wrongCredentials: { password: 'not-the-password' },
  secrets: ['s3cret-password-of-postgres'],
  trouble: {
    busy: answerPostgres('53300', 'sorry, too many clients already'),
    failing: answerPostgres('XX000', 'the server is in trouble'),
    unavailable: answerPostgres('57P03', 'the database system is starting up'),
  },
  exceptions: {},
} as const;

/** Refuses every start-up with one error, as PostgreSQL does, and ends the connection. */
export function answerPostgres(sqlState: string, message: string): (socket: Socket) => void {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  const answer = Buffer.concat([head, fields]);
  return (socket) => socket.once('data', () => socket.end(answer));
}

const SCHEMA = 'morag_conformance';

async function createSchema({ host, port, username, password, database }: ServerSettings): Promise<void> {
  const client = new Client({ host, port, user: username, password, database });
  await client.connect();
  try {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`);
  } finally {
    await client.end();
  }
}

function harness(server: string, settings: ServerSettings, rest: Pick<Harness, 'restart' | 'stop'>): Harness {
  return {
    ...COMMON,
    ...rest,
    server,
    settings,
    async namespace() {
      await createSchema(settings);
      return { config: { ...settings.config, schema: SCHEMA } };
    },
    open(overrides) {
      const changed = { ...settings, ...overrides };
      return pgvector.create(changed, pgvector.options.parse(changed.config), { egress });
    },
  };
}

/** The server that MORAG_CONFORMANCE_PGVECTOR_URL names, or undefined. */
export function externalPgvector(): Harness | undefined {
  const settings = external('PGVECTOR', 5432);
  return settings && harness(`PostgreSQL at ${settings.host}`, settings, { stop: async () => {} });
}

/** A server of its own with data of its own, installed when it is not. */
export async function realPgvector(): Promise<Harness> {
  const port = await freePort();
  const data = join(serversFolder(), 'data', `pgvector-conformance-${port}`);
  const options = { port, data };
  const { host, username, password, database } = await pgvectorServer.start(options);
  const settings: ServerSettings = { host, port, tls: 'DISABLED', username, password, database, config: {} };
  return harness(`PostgreSQL ${pgvectorServer.version}`, settings, {
    async restart() {
      await pgvectorServer.kill(options);
      await pgvectorServer.start(options);
    },
    async stop() {
      await pgvectorServer.stop(options);
      for (const path of [data, `${data}.log`]) rmSync(path, { recursive: true, force: true });
    },
  });
}
