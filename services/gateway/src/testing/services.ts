import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  type ConnectRouter,
  createRouterTransport,
  type HandlerContext,
  type Interceptor,
  type Transport,
} from '@connectrpc/connect';
import { DomainError, toConnectError } from '@morag/errors';
import { Operations } from '@morag/gen/google/longrunning/operations_pb.ts';
import { Health, HealthCheckResponse_ServingStatus } from '@morag/gen/grpc/health/v1/health_pb.ts';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { JobService, type WatchJobResponseSchema } from '@morag/gen/morag/documents/v1/job_service_pb.ts';
import { UserSchema } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { DatabaseOperationMetadataSchema } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { type Server, Server_DatabaseType, ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import type { Backend } from '../contracts/contracts.ts';

/** One call as a service received it. */
export interface ReceivedCall {
  readonly method: string;
  readonly message: unknown;
  readonly header: Headers;
  readonly signal: AbortSignal;
}

/** Services in memory that remember what they were asked. */
export interface TestServices {
  readonly transports: Record<Exclude<Backend, 'memory'>, Transport>;
  readonly calls: ReceivedCall[];
  /** The last call; throws when there was none. */
  last<Message = Record<string, unknown>>(): ReceivedCall & { readonly message: Message };
  /** Forgets what was received. */
  clear(): void;
}

/** What a test may decide. */
export interface TestBehaviour {
  /** Messages of WatchJob, one after the other. */
  watchJob?: (signal: AbortSignal) => AsyncIterable<MessageInitShape<typeof WatchJobResponseSchema>>;
  /** Called for each piece of an upload; may throw. */
  onPiece?: (bytes: number) => void;
  /** Called when an upload has come to its end. */
  onUploaded?: () => void;
  isServing?: () => boolean;
}

/** The id that exists in every service. */
export const KNOWN_ID = '018f3d2e-0000-7000-8000-000000000001';

/** Makes the services. */
export function createTestServices(behaviour: TestBehaviour = {}): TestServices {
  const calls: ReceivedCall[] = [];
  const record: Interceptor = (next) => async (req) => {
    const { header, signal } = req;
    const message = req.stream ? undefined : req.message;
    calls.push({ method: req.method.name, message, header: new Headers(header), signal });
    try {
      return await next(req);
    } catch (error) {
      throw toConnectError(error);
    }
  };
  const transport = (routes: (router: ConnectRouter) => void): Transport =>
    createRouterTransport(
      (router) => {
        routes(router);
        registerHealth(router, behaviour);
      },
      { router: { interceptors: [record] } },
    );
  return {
    calls,
    transports: {
      identity: transport(registerIdentity),
      servers: transport(registerServers),
      documents: transport((router) => registerDocuments(router, behaviour)),
    },
    last<Message>() {
      const call = calls.at(-1);
      if (call === undefined) throw new Error('no call was received');
      return call as ReceivedCall & { message: Message };
    },
    clear: () => void calls.splice(0),
  };
}

function registerHealth(router: ConnectRouter, { isServing = () => true }: TestBehaviour): void {
  const { SERVING, NOT_SERVING } = HealthCheckResponse_ServingStatus;
  router.service(Health, { check: () => ({ status: isServing() ? SERVING : NOT_SERVING }) });
}

function registerIdentity(router: ConnectRouter): void {
  router.service(UserService, {
    getUser: (_request, { requestHeader }: HandlerContext) => {
      if (!requestHeader.has('authorization')) throw new DomainError('UNAUTHENTICATED', 'Say who you are.');
      return { id: KNOWN_ID, name: 'Ada', email: 'ada@example.com' };
    },
    updateUser: ({ user }) => Object.assign(create(UserSchema), user, { id: KNOWN_ID, etag: '"next"' }),
    listUsers: () => {
      throw new DomainError('OVERLOADED', 'Come back later.', { retryAfterMs: 2_500 });
    },
  });
}

function stored(server: Server | undefined, etag: string): Server {
  return Object.assign(create(ServerSchema), server, { id: KNOWN_ID, password: '', etag });
}

function registerServers(router: ConnectRouter): void {
  router.service(ServerService, {
    createServer: ({ server }) => stored(server, '"v1"'),
    getServer: ({ serverId }) => {
      if (serverId === KNOWN_ID) return { id: KNOWN_ID, name: 'one', type: Server_DatabaseType.CHROMA, etag: '"v1"' };
      throw new DomainError('SERVER_NOT_FOUND', 'There is no such server.', { metadata: { serverId } });
    },
    listServers: ({ pageSize }) => ({
      servers: Array.from({ length: pageSize }, (_, index) => ({ id: KNOWN_ID, name: `server ${index}` })),
    }),
    updateServer: ({ server }) => stored(server, '"v2"'),
    deleteServer: () => ({}),
    testConnection: () => ({ success: true, message: 'fine', responseTimeMs: 1.5, serverInfo: { version: '1.0' } }),
  });
  router.service(Operations, {
    getOperation: ({ name }) => {
      const metadata = create(DatabaseOperationMetadataSchema, {
        databaseId: KNOWN_ID,
        percentage: 40,
        stage: 'verifying',
      });
      return { name, metadata: anyPack(DatabaseOperationMetadataSchema, metadata) };
    },
    listOperations: () => ({ operations: [] }),
    cancelOperation: () => ({}),
    deleteOperation: () => ({}),
  });
  router.service(RecordService, {
    async importRecords(requests) {
      let upserted = 0;
      const databases = new Set<string>();
      for await (const { databaseId, records } of requests) {
        databases.add(databaseId);
        upserted += records.length;
      }
      return { upserted, token: [...databases].join(' ') };
    },
    upsertRecords: ({ records }) => ({ upserted: records.length, token: 'db:1' }),
    queryRecords: ({ topK }) => ({ hits: Array.from({ length: topK }, (_, n) => ({ id: `r${n}`, score: 0.5 })) }),
  });
}

function registerDocuments(router: ConnectRouter, { watchJob, onPiece, onUploaded }: TestBehaviour): void {
  router.service(DocumentService, {
    async uploadDocument(requests) {
      let first: { name: string; databaseId: string; mediaType: string; metadata?: object } | undefined;
      let size = 0;
      for await (const request of requests) {
        first ??= request;
        size += request.content.length;
        onPiece?.(request.content.length);
      }
      if (size === 0) throw new DomainError('EMPTY_FILE', 'The file is empty.');
      onUploaded?.();
      const { name = '', databaseId = '', mediaType = '', metadata } = first ?? {};
      const kept = { ...metadata, mediaType };
      return { id: KNOWN_ID, name, databaseId, sizeBytes: BigInt(size), metadata: kept, etag: '"d1"' };
    },
  });
  router.service(JobService, {
    async *watchJob({ jobId }, { signal }: HandlerContext) {
      try {
        if (watchJob === undefined) {
          throw new DomainError('JOB_NOT_FOUND', 'There is no such job.', { metadata: { jobId } });
        }
        yield* watchJob(signal);
      } catch (error) {
        // The interceptor is done by the time a stream runs.
        throw toConnectError(error);
      }
    },
  });
}
