import type { Document } from '@morag/gen/morag/documents/v1/document_pb.ts';
import type { Database } from '@morag/gen/morag/servers/v1/database_pb.ts';
import type { Server } from '@morag/gen/morag/servers/v1/server_pb.ts';

/** As many of a kind as an export tells. */
export const ITEMS_MAX = 10_000;

/** What a user has in the other services, asked for in the user's name. */
export interface OwnedThings {
  servers(ownerId: string, signal: AbortSignal): Promise<Server[]>;
  databases(ownerId: string, signal: AbortSignal): Promise<Database[]>;
  documents(ownerId: string, signal: AbortSignal): Promise<Document[]>;
  /** Answers why it was not made; undefined when it was. */
  createServer(ownerId: string, server: Server, signal: AbortSignal): Promise<string | undefined>;
}
