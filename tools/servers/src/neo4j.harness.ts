import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Harness } from '@morag/connectors-conformance';
import type { ServerSettings } from '@morag/connectors-core';
import { neo4j } from '@morag/connectors-neo4j';
import { createEgress } from '@morag/egress';
import { freePort } from '@morag/embedded';
import { external } from './external.ts';
import { serversFolder } from './folders.ts';
import { neo4jServer } from './neo4j.server.ts';

const egress = createEgress({ allow: [], embedded: true });

const COMMON = {
  vendor: 'neo4j',
  wrongCredentials: { password: 'not-the-password' },
  secrets: ['s3cret-password-of-neo4j'],
  trouble: {
    busy: answerBolt('Neo.TransientError.Request.NoThreadsAvailable', 'There are no threads to serve this request'),
    failing: answerBolt('Neo.DatabaseError.General.UnknownError', 'the server is in trouble'),
    unavailable: answerBolt('Neo.TransientError.Database.DatabaseUnavailable', 'the database is starting up'),
  },
  exceptions: {},
} as const;

/** Agrees on Bolt 5.4, answers the greeting and fails the login, as Neo4j does. */
export function answerBolt(code: string, message: string): (socket: Socket) => void {
  const greeted = messageOf(0x70, { server: 'Neo4j/5.26.0', connection_id: 'bolt-1' });
  const failed = messageOf(0x7f, { code, message });
  return (socket) =>
    socket.once('data', () => {
      socket.once('data', () => socket.end(Buffer.concat([greeted, failed])));
      socket.write(Buffer.of(0, 0, 4, 5));
    });
}

/** A structure whose one field is a map of texts, in one chunk and the empty one that ends it. */
function messageOf(signature: number, fields: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(fields);
  const head = Buffer.of(0xb1, signature, 0xa0 + entries.length);
  const body = Buffer.concat([head, ...entries.flat().map(packText)]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  return Buffer.concat([length, body, Buffer.alloc(2)]);
}

function packText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.of(0xd0, bytes.length), bytes]);
}

function harness(server: string, settings: ServerSettings, rest: Pick<Harness, 'restart' | 'stop'>): Harness {
  return {
    ...COMMON,
    ...rest,
    server,
    settings,
    async namespace() {
      return { config: { ...settings.config, namespace: 'conformance' } };
    },
    open(overrides) {
      const changed = { ...settings, ...overrides };
      return neo4j.create(changed, neo4j.options.parse(changed.config), { egress });
    },
  };
}

/** The server that MORAG_CONFORMANCE_NEO4J_URL names, or undefined. */
export function externalNeo4j(): Harness | undefined {
  const settings = external('NEO4J', 7687);
  return settings && harness(`Neo4j at ${settings.host}`, settings, { stop: async () => {} });
}

/** A server of its own with data of its own, installed when it is not. */
export async function realNeo4j(): Promise<Harness> {
  const port = await freePort();
  const data = join(serversFolder(), 'data', `neo4j-conformance-${port}`);
  const options = { port, data };
  const { host, username, password, database } = await neo4jServer.start(options);
  const settings: ServerSettings = { host, port, tls: 'DISABLED', username, password, database, config: {} };
  return harness(`Neo4j ${neo4jServer.version}`, settings, {
    async restart() {
      await neo4jServer.kill(options);
      await neo4jServer.start(options);
    },
    async stop() {
      await neo4jServer.stop(options);
      for (const path of [data, `${data}.log`]) rmSync(path, { recursive: true, force: true });
    },
  });
}
