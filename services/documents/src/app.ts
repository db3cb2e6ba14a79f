import type { Transport } from '@connectrpc/connect';
import { serviceTokenSecret } from '@morag/auth';
import type { DocumentsConfig } from '@morag/config';
import { deriveKey, loadRootKey } from '@morag/crypto';
import { createEmbedder, type Embedder } from '@morag/embedder';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { JobService } from '@morag/gen/morag/documents/v1/job_service_pb.ts';
import { QuotaService } from '@morag/gen/morag/documents/v1/quota_service_pb.ts';
import { SearchService } from '@morag/gen/morag/documents/v1/search_service_pb.ts';
import { WorkerService } from '@morag/gen/morag/documents/v1/worker_service_pb.ts';
import { createAuditJournal, databaseReadiness, openServiceDatabase } from '@morag/orm';
import {
  type AuditRecord,
  createOfflineAuthentication,
  createServiceHost,
  openConfiguredTls,
  openPeers,
  pageTokens,
  type ServiceHost,
  sendAuditRecords,
} from '@morag/rpc';
import { createLogger, createMetrics, type Logger } from '@morag/telemetry';
import { createActingFor } from './acting.ts';
import { createBackground } from './background.ts';
import { createBlobStore } from './blobs/create-blob-store.ts';
import { createJobQueue } from './ingest/job-queue.ts';
import { documentHandlers } from './modules/document/document.handlers.ts';
import { announceEndedJobs } from './modules/job/ended-job.relay.ts';
import { createJobBus } from './modules/job/job.bus.ts';
import { jobHandlers } from './modules/job/job.handlers.ts';
import { quotaHandlers } from './modules/quota/quota.handlers.ts';
import { searchHandlers } from './modules/search/search.handlers.ts';
import { workerHandlers } from './not-yet-available.ts';
import { createPreparePool } from './prepare/prepare-pool.ts';
import { QUEUE_SCHEMA, schema } from './schema.ts';
import { createActFor } from './servers/act-for.ts';
import { createServersClient } from './servers/servers.client.ts';

/** What a start may bring along. */
export interface DocumentsParts {
  readonly logger?: Logger;
  /** The other services, where they are in this process; else they are found by the configuration. */
  readonly clients?: { readonly identity?: Transport; readonly servers?: Transport };
  /** Milliseconds since 1970, for tokens. */
  readonly now?: () => number;
  /** Instead of the configured one; the service closes it. */
  readonly embedder?: Embedder;
  /** Jobs at a time; 0 leaves them to other instances. */
  readonly workers?: number;
}

/** The service, built and not yet listening. */
export interface DocumentsInstance {
  readonly name: 'documents';
  readonly host: ServiceHost;
  start(): Promise<{ port: number }>;
  stop(): Promise<void>;
  /** Calls it in process. */
  transport(): Transport;
}

const DESCRIPTORS = [DocumentService, SearchService, JobService, WorkerService, QuotaService];

/** Builds every object of the service, in order. Opens the database; listens and works only with `start`. */
export async function buildDocumentsService(
  config: DocumentsConfig,
  parts: DocumentsParts = {},
): Promise<DocumentsInstance> {
  const logger = parts.logger ?? createLogger({ level: config.logLevel, service: 'documents' });
  const deps = await buildDeps(config, parts, logger);
  const { authentication } = deps;
  const journal = createAuditJournal<AuditRecord>({
    db: deps.db,
    logger,
    send: sendAuditRecords(deps.peers.identity, authentication.tokens),
  });
  const background = createBackground(deps, parts.workers);
  const announcements = announceEndedJobs({ ...deps, servers: deps.peers.servers, tokens: authentication.tokens });
  const host = createServiceHost({
    name: 'documents',
    ...config.listen,
    tls: deps.tls,
    descriptors: DESCRIPTORS,
    routes: (router) => {
      router.service(DocumentService, documentHandlers(deps));
      router.service(SearchService, searchHandlers(deps));
      router.service(JobService, jobHandlers(deps));
      router.service(WorkerService, workerHandlers);
      router.service(QuotaService, quotaHandlers(deps));
    },
    authenticator: authentication.authenticator,
    onCall: authentication.onCall,
    audit: journal,
    rateLimits: authentication.rateLimits,
    logger,
    metrics: createMetrics({ service: 'documents' }),
    readiness: readinessOf(deps),
  });
  return {
    name: 'documents',
    host,
    transport: () => host.transport(),
    async start() {
      await authentication.start();
      journal.start();
      announcements.start();
      await background.start();
      return host.start();
    },
    async stop() {
      // Jobs are handed back while calls end; each has a grace of its own.
      await Promise.all([host.stop(), background.stop()]);
      await journal.stop();
      await announcements.stop();
      await authentication.stop();
      await Promise.all([deps.embedder.close(), deps.readers.close()]);
      await deps.db.close();
      deps.peers.close();
    },
  };
}

/** Everything that calls and background work share. */
async function buildDeps(config: DocumentsConfig, parts: DocumentsParts, logger: Logger) {
  const rootKey = await loadRootKey(config.masterKey);
  const tls = await openConfiguredTls(config.tls, logger);
  const peers = openPeers(['identity', 'servers'], { addresses: config.peers, given: parts.clients, tls });
  const authentication = createOfflineAuthentication({
    service: 'documents',
    identity: peers.identity,
    serviceSecret: serviceTokenSecret(rootKey),
    rateLimits: config.rateLimits,
    logger,
    now: parts.now,
  });
  const blobs = await createBlobStore(config);
  const db = await openServiceDatabase({
    config: config.database,
    definition: schema,
    rootKey,
    schemas: [QUEUE_SCHEMA],
    logger,
  });
  const bus = createJobBus();
  const readers = createPreparePool();
  return {
    db,
    tls,
    blobs,
    bus,
    logger,
    peers,
    authentication,
    queue: createJobQueue({ url: db.options.url, schema: QUEUE_SCHEMA, logger }),
    servers: createServersClient(peers.servers),
    actFor: createActFor(authentication.tokens),
    actingFor: createActingFor(authentication.tokens),
    embedder: parts.embedder ?? createEmbedder(config.embedder),
    readers,
    prepare: readers.prepare,
    onProgress: bus.changed,
    uploadBytesMax: config.uploadBytesMax,
    quotas: config.quotas,
    pageTokens: pageTokens({ secret: deriveKey(rootKey, 'documents page tokens') }),
  };
}

/** Beside the database, the files must be in reach, and what identity knows of credentials. */
function readinessOf({ db, blobs, authentication }: Awaited<ReturnType<typeof buildDeps>>) {
  const stored = databaseReadiness(db);
  return async (): Promise<Record<string, boolean>> => {
    const files = blobs.check().then(
      () => true,
      () => false,
    );
    return { ...(await stored()), files: await files, identity: authentication.isReady() };
  };
}
