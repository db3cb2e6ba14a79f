import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { credentials, loadPackageDefinition, Metadata, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Installation, newInstallation } from '@morag/testing';
import { isAnswered, MANUALS, QUESTIONS, type SearchAnswer } from './questions.ts';

const run = promisify(execFile);
const PROTO = fileURLToPath(new URL('../../../proto', import.meta.url));

interface Databases {
  readonly databases: readonly { readonly id: string; readonly name: string; readonly documentCount: number }[];
}

async function defaultDatabase(installation: Installation): Promise<Databases['databases'][number]> {
  const { body } = await installation.call<Databases>('GET', '/v1/databases');
  const [database] = body.databases;
  if (!database) throw new Error('there is no database');
  return database;
}

async function unanswered(installation: Installation, databaseId: string): Promise<string[]> {
  const missed: string[] = [];
  for (const question of QUESTIONS) {
    const path = `/v1/databases/${databaseId}:search`;
    const { body } = await installation.call<SearchAnswer>('POST', path, { query: question.query, topK: 3 });
    if (!isAnswered(body, question)) missed.push(question.query);
  }
  return missed;
}

describe.each(['one', 'separate'])('the journey, in %s process(es)', (processes) => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await newInstallation({ MORAG_PROCESSES: processes });
  });
  afterAll(() => installation.remove());

  it('ingests a folder and answers from it', async () => {
    const printed = await installation.start([MANUALS], 'Ask them something');
    expect(printed).toContain(`MoRAG is ready at ${installation.gateway}`);
    expect(printed).toContain('Ingested 4 of 4 files');
    const database = await defaultDatabase(installation);
    expect(database).toMatchObject({ name: 'default', documentCount: 4 });
    expect(await unanswered(installation, database.id)).toEqual([]);
  }, 180_000);

  it('answers the same over gRPC', async () => {
    const { id } = await defaultDatabase(installation);
    const definition = loadSync('morag/documents/v1/search_service.proto', {
      includeDirs: [PROTO, `${PROTO}/third_party`],
    });
    const morag = loadPackageDefinition(definition) as unknown as {
      morag: { documents: { v1: { SearchService: ServiceClientConstructor } } };
    };
    const address = `127.0.0.1:${installation.ports.documents}`;
    const client = new morag.morag.documents.v1.SearchService(address, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${await installation.token()}`);
    const request = { databaseId: id, query: QUESTIONS[0].query, topK: 3 };
    const answer = await new Promise<SearchAnswer>((resolve, reject) => {
      client.search?.(request, metadata, (error: Error | null, value: SearchAnswer) =>
        error ? reject(error) : resolve(value),
      );
    });
    client.close();
    expect(isAnswered(answer, QUESTIONS[0])).toBe(true);
  });

  it('answers the operator with grpcurl on every port', async () => {
    const token = await installation.token();
    for (const [port, service, method] of [
      ['identity', 'morag.identity.v1.UserService', 'ListUsers'],
      ['servers', 'morag.servers.v1.ServerService', 'ListServers'],
      ['documents', 'morag.documents.v1.DocumentService', 'ListDocuments'],
    ] as const) {
      const address = `127.0.0.1:${installation.ports[port]}`;
      const grpcurl = async (...args: string[]): Promise<string> =>
        (await run('grpcurl', ['-plaintext', '-H', `authorization: Bearer ${token}`, ...args])).stdout;
      expect((await grpcurl(address, 'list')).split('\n')).toContain(service);
      expect(await grpcurl(address, 'describe', service)).toContain(`rpc ${method} (`);
      const answer = JSON.parse(await grpcurl(address, `${service}/${method}`)) as object;
      expect(Object.values(answer)[0]).not.toHaveLength(0);
      const health = await grpcurl(address, 'grpc.health.v1.Health/Check');
      expect(JSON.parse(health)).toEqual({ status: 'SERVING' });
    }
  });

  it('stops in order and soon, and finds everything again', async () => {
    const begun = Date.now();
    expect(await installation.stop()).toBe(0);
    // Ten seconds are promised; here other tests may have the cores.
    expect(Date.now() - begun).toBeLessThan(20_000);
    await installation.start();
    const database = await defaultDatabase(installation);
    expect(database.documentCount).toBe(4);
    expect(await unanswered(installation, database.id)).toEqual([]);
  }, 60_000);
});
