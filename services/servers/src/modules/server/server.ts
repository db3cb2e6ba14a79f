import type { OwnerScope } from '@morag/auth';
import type { JsonObject } from '../../json.ts';

/** The vendors, as the contract names them. */
export const SERVER_TYPES = ['QDRANT', 'PINECONE', 'WEAVIATE', 'CHROMA', 'NEO4J', 'PGVECTOR'] as const;
/** See SERVER_TYPES. */
export type ServerType = (typeof SERVER_TYPES)[number];

/** How a connection is secured. */
export const TLS_MODES = ['DISABLED', 'VERIFY', 'INSECURE'] as const;
/** See TLS_MODES. */
export type TlsMode = (typeof TLS_MODES)[number];

/** What is needed to connect, without the secrets. */
export interface ServerAddress {
  readonly type: ServerType;
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
  readonly username: string;
  /** The vendor's database; empty for its default. */
  readonly database: string;
  readonly config: JsonObject;
}

/** A registered server, its secrets sealed. */
export interface Server extends ServerAddress {
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  /** Collection of a database placed here unless it names one; empty for a name made for it. */
  readonly collection: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Under the vault, bound to this row; null when there is none. */
  readonly sealedPassword: string | null;
  readonly sealedApiKey: string | null;
  readonly isActive: boolean;
  readonly lastConnectedAt: Date | null;
  /** Grows with each change of how to connect; a connection made under another one is not used again. */
  readonly revision: number;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Whose rows a caller sees, and which of them. */
export type Scope = OwnerScope;
