import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import { createServiceTokens, type Role, SYSTEM_USER_ID, serviceTokenSecret } from '@morag/auth';
import { documentsConfig } from '@morag/config';
import { generateMasterKey, loadRootKey } from '@morag/crypto';
import { reasonOf as reasonOfError } from '@morag/errors';
import type { Document } from '@morag/gen/morag/documents/v1/document_pb.ts';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { type Job, Job_JobStatus } from '@morag/gen/morag/documents/v1/job_pb.ts';
import { JobService } from '@morag/gen/morag/documents/v1/job_service_pb.ts';
import { SearchService } from '@morag/gen/morag/documents/v1/search_service_pb.ts';
import { createLogger } from '@morag/telemetry';
import { createTestDatabase, eventually } from '@morag/testing';
import pg from 'pg';
import { buildDocumentsService, type DocumentsInstance, type DocumentsParts } from '../src/app.ts';
import { FakeEmbedder } from './fake-embedder.ts';
import { createFakeIdentity } from './fake-identity.ts';
import { FakeServers } from './fake-servers.ts';

/** What a user calls. */
export interface Caller {
  readonly userId: string;
  readonly documents: Client<typeof DocumentService>;
  readonly jobs: Client<typeof JobService>;
  readonly search: Client<typeof SearchService>;
}

/** The service on a database and a data folder of its own, with peers in memory. */
export interface Harness {
  readonly servers: FakeServers;
  readonly embedder: FakeEmbedder;
  readonly dataDir: string;
  /** Another instance of the service on the same database and folder. */
  start(parts?: Partial<DocumentsParts>): Promise<DocumentsInstance>;
  caller(instance: DocumentsInstance, role?: Role, userId?: string): Promise<Caller>;
  /** What another service calls. */
  internal(instance: DocumentsInstance): Client<typeof DocumentService>;
  /** The same for a user, of any of its services. */
  asService<Service extends DescService>(
    instance: DocumentsInstance,
    userId: string,
    service: Service,
  ): Client<Service>;
  /** A statement behind the service's back. */
  sql<Row extends object>(text: string, params?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** Makes one; `env` is added to its environment. */
export async function createHarness(env: Record<string, string> = {}): Promise<Harness> {
  const database = await createTestDatabase('documents');
  const dataDir = await mkdtemp(join(tmpdir(), 'morag-documents-'));
  const identity = createFakeIdentity();
  const servers = new FakeServers();
  const embedder = new FakeEmbedder();
  const key = generateMasterKey();
  const config = documentsConfig({
    MORAG_DATABASE_URL: database.url,
    MORAG_MASTER_KEY: key,
    MORAG_AUTO_MIGRATE: 'true',
    MORAG_DATA_DIR: dataDir,
    MORAG_DOCUMENTS_PORT: '0',
    MORAG_MAX_UPLOAD_BYTES: String(1024 * 1024),
    ...env,
  });
  const logger = createLogger({ level: process.env.MORAG_TEST_LOG ? 'debug' : 'silent', service: 'documents' });
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  const instances = new Set<DocumentsInstance>();
  const asService: Harness['asService'] = (instance, ownerId, service) => {
    const token = loadRootKey({ key }).then((rootKey) => {
      const tokens = createServiceTokens({ service: 'servers', secret: serviceTokenSecret(rootKey) });
      return tokens.issue({ audience: 'documents', ownerId, permissions: [] });
    });
    return createClient(
      service,
      withHeader(
        instance.transport(),
        token.then((value) => `Bearer ${value}`),
      ),
    );
  };
  return {
    servers,
    embedder,
    dataDir,
    async start(parts = {}) {
      const clients = { identity: identity.transport, servers: servers.transport() };
      const instance = await buildDocumentsService(config, { logger, clients, embedder, ...parts });
      await instance.start();
      instances.add(instance);
      return instance;
    },
    async caller(instance, role = 'USER', userId = crypto.randomUUID()) {
      const authorization = `Bearer ${await identity.token(userId, role)}`;
      return { userId, ...clientsOf(withHeader(instance.transport(), authorization)) };
    },
    internal: (instance) => asService(instance, SYSTEM_USER_ID, DocumentService),
    asService,
    async sql<Row extends object>(text: string, params: unknown[] = []) {
      return (await pool.query<Row & pg.QueryResultRow>(text, params)).rows;
    },
    async close() {
      for (const instance of instances) await instance.stop();
      await pool.end();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Clients of the three services. */
export function clientsOf(transport: Transport): Omit<Caller, 'userId'> {
  return {
    documents: createClient(DocumentService, transport),
    jobs: createClient(JobService, transport),
    search: createClient(SearchService, transport),
  };
}

/** The same transport, with a credential. */
export function withHeader(transport: Transport, authorization: string | Promise<string>): Transport {
  const headers = async (given: ConstructorParameters<typeof Headers>[0]): Promise<Headers> => {
    const all = new Headers(given);
    all.set('authorization', await authorization);
    return all;
  };
  return {
    unary: async (method, signal, timeoutMs, header, ...rest) =>
      transport.unary(method, signal, timeoutMs, await headers(header), ...rest),
    stream: async (method, signal, timeoutMs, header, ...rest) =>
      transport.stream(method, signal, timeoutMs, await headers(header), ...rest),
  };
}

/** What `upload` sends. */
export interface UploadFile {
  readonly databaseId: string;
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly metadata?: Record<string, string | number | boolean | string[]>;
  readonly mediaType?: string;
}

/** Uploads a file in pieces, as any client does. */
export function upload({ documents }: Caller, { content, ...head }: UploadFile): Promise<Document> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const PIECE = 64 * 1024;
  return documents.uploadDocument(
    (async function* () {
      yield { ...head, content: bytes.subarray(0, PIECE) };
      for (let at = PIECE; at < bytes.length; at += PIECE) yield { content: bytes.subarray(at, at + PIECE) };
    })(),
  );
}

/** Waits until a job has a status. */
export async function jobIs(caller: Caller, jobId: string, status: keyof typeof Job_JobStatus): Promise<Job> {
  return eventually(
    async () => {
      const job = await caller.jobs.getJob({ jobId });
      if (job.status !== Job_JobStatus[status]) {
        throw new Error(`status ${job.status}: ${job.summary} ${job.failure?.detail ?? ''}`);
      }
      return job;
    },
    { timeoutMs: 20_000, intervalMs: 50 },
  );
}

/** Uploads a file and waits until it can be searched. */
export async function ingest(caller: Caller, file: UploadFile): Promise<Document> {
  const { jobId, id } = await upload(caller, file);
  await jobIs(caller, jobId, 'FINISHED');
  return caller.documents.getDocument({ documentId: id });
}

/** Texts of what a search finds. */
export async function find(caller: Caller, databaseId: string, query: string, topK = 10): Promise<string[]> {
  const { hits } = await caller.search.search({ databaseId, query, topK });
  return hits.map(({ text }) => text);
}

/** A Markdown text with a chapter a topic, each long enough to be a passage of its own. */
export function chapters(...topics: readonly string[]): string {
  const body = (topic: string): string =>
    Array.from({ length: 30 }, (_, line) => `The ${topic} is described in sentence ${line} of this chapter.`).join(' ');
  return topics.map((topic) => `# About ${topic}\n\n${body(topic)}\n`).join('\n');
}

/** The reason a call is refused with; undefined when it succeeds. */
export async function reasonOf(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => reasonOfError(error) ?? String(error),
  );
}
