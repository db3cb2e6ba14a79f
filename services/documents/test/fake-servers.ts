import { type JsonObject, toJson } from '@bufbuild/protobuf';
import { type ConnectRouter, createRouterTransport, type HandlerContext, type Transport } from '@connectrpc/connect';
import { matches, parseFilter } from '@morag/connectors-core';
import { DomainError, toConnectError } from '@morag/errors';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { type Filter, FilterSchema } from '@morag/gen/morag/servers/v1/record_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { type AnnounceEventRequest, WebhookService } from '@morag/gen/morag/servers/v1/webhook_service_pb.ts';

interface StoredRecord {
  readonly vector: readonly number[];
  readonly metadata: JsonObject;
}

/** A database of the fake. */
export interface FakeDatabase {
  readonly id: string;
  readonly ownerId: string;
  readonly dimension: number;
  readonly provider: string;
  readonly model: string;
  readonly records: Map<string, StoredRecord>;
  documentCount: number;
  revision: bigint;
}

/** The contract of DatabaseService and RecordService, as far as documents use it, over memory. */
export class FakeServers {
  readonly databases = new Map<string, FakeDatabase>();
  /** The vector servers are away: writes are logged and not confirmed, reads find no placement. */
  vectorsDown = false;
  /** The servers service itself is away. */
  down = false;
  /** Ids of the records that were written, in order. */
  written: string[] = [];
  /** What webhooks are to be told, as often as it was asked for. */
  readonly announced: AnnounceEventRequest[] = [];

  add(ownerId: string, options: { dimension?: number; provider?: string; model?: string } = {}): FakeDatabase {
    const { dimension = 64, provider = '', model = '' } = options;
    const id = crypto.randomUUID();
    const database = { id, ownerId, dimension, provider, model, records: new Map(), documentCount: 0, revision: 0n };
    this.databases.set(id, database);
    return database;
  }

  transport(): Transport {
    return createRouterTransport((router) => this.routes(router));
  }

  routes({ service }: ConnectRouter): void {
    service(DatabaseService, {
      getDatabase: ({ databaseId }, context) => {
        const { id, ownerId, dimension, provider, model } = this.#find(databaseId, context);
        return { id, ownerId, dimension, embedding: { provider, model } };
      },
      setDocumentCount: ({ databaseId, documentCount, revision }, context) => {
        const database = this.#find(databaseId, context);
        if (revision > database.revision) Object.assign(database, { documentCount, revision });
        return {};
      },
    });
    service(WebhookService, {
      announceEvent: (request) => {
        this.#requireUp();
        this.announced.push(request);
        return {};
      },
    });
    service(RecordService, {
      upsertRecords: ({ databaseId, records }, context) => {
        const database = this.#find(databaseId, context);
        this.#requireVectors('WRITE_NOT_CONFIRMED');
        for (const { id, vector, metadata = {} } of records) database.records.set(id, { vector, metadata });
        this.written.push(...records.map(({ id }) => id));
        return { upserted: records.length };
      },
      deleteRecords: ({ databaseId, ids }, context) => {
        const database = this.#find(databaseId, context);
        this.#requireVectors('WRITE_NOT_CONFIRMED');
        for (const id of ids) database.records.delete(id);
        return { deleted: ids.length };
      },
      queryRecords: ({ databaseId, vector, topK, filter }, context) => {
        const { records } = this.#find(databaseId, context);
        this.#requireVectors('NO_PLACEMENT_AVAILABLE');
        const hits = [...records]
          .filter(([, { metadata }]) => isWanted(filter, metadata))
          .map(([id, record]) => ({ id, score: similarity(vector, record.vector) }))
          .sort((a, b) => b.score - a.score)
          .slice(0, topK || 10);
        return { hits };
      },
    });
  }

  #find(databaseId: string, context: HandlerContext): FakeDatabase {
    this.#requireUp();
    const database = this.databases.get(databaseId);
    if (database === undefined || !maySee(context, database.ownerId)) {
      throw toConnectError(new DomainError('DATABASE_NOT_FOUND', 'There is no such database.'));
    }
    return database;
  }

  #requireUp(): void {
    if (this.down) throw toConnectError(new DomainError('UNAVAILABLE', 'The servers service is away.'));
  }

  #requireVectors(reason: 'WRITE_NOT_CONFIRMED' | 'NO_PLACEMENT_AVAILABLE'): void {
    if (this.vectorsDown) throw toConnectError(new DomainError(reason, 'The vector server is away.'));
  }
}

/** Reads the token without verifying it: this is not what is tested here. */
function maySee({ requestHeader }: HandlerContext, ownerId: string): boolean {
  const [, payload = ''] = requestHeader.get('authorization')?.split('.') ?? [];
  const claims: { sub?: string; role?: string } = JSON.parse(Buffer.from(payload, 'base64url').toString() || '{}');
  return claims.sub === ownerId || claims.role === 'ADMIN';
}

function isWanted(filter: Filter | undefined, metadata: JsonObject): boolean {
  return filter === undefined || matches(parseFilter(toJson(FilterSchema, filter)), metadata);
}

function similarity(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0);
  return (1 + dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))) / 2;
}
