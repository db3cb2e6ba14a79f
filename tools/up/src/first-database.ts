import { createClient, type Transport } from '@connectrpc/connect';
import { Database_Metric } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { Server_DatabaseType } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import type { Session } from './session.ts';
import { StartError } from './start-error.ts';

const SERVER = 'local';
const DATABASE = 'default';

/** What documents are embedded with unless told otherwise. */
export interface EmbeddingIdentity {
  readonly provider: string;
  readonly model: string;
  readonly dimension: number;
}

/**
 * Makes sure that there is something to work with: the embedded Chroma as server `local`, and on it the database
 * `default`. Returns the database's id. Goes through the services' own doors, as any client would.
 */
export async function ensureFirstDatabase(
  servers: Transport,
  session: Session,
  chroma: { readonly host: string; readonly port: number },
  embedding: EmbeddingIdentity,
): Promise<string> {
  const databases = createClient(DatabaseService, servers);
  const options = await session.options();
  const found = await databases.listDatabases({ filter: `name = "${DATABASE}"` }, options);
  const serverId = await ensureServer(servers, session, chroma);
  if (found.databases[0]) return found.databases[0].id;
  const { provider, model, dimension } = embedding;
  const database = {
    name: DATABASE,
    serverId,
    dimension,
    metric: Database_Metric.COSINE,
    embedding: { provider, model },
  };
  return (await databases.createDatabase({ database }, options)).id;
}

/** The embedded Chroma may have moved to another port since; the stored server follows it. */
async function ensureServer(
  servers: Transport,
  session: Session,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  const client = createClient(ServerService, servers);
  const options = await session.options();
  const [known] = (await client.listServers({ filter: `name = "${SERVER}"` }, options)).servers;
  if (known?.isActive && known.host === host && known.port === port) return known.id;
  const server = known
    ? await client.updateServer(
        { serverId: known.id, server: { host, port }, updateMask: { paths: ['host', 'port'] } },
        options,
      )
    : await client.createServer({ server: { name: SERVER, type: Server_DatabaseType.CHROMA, host, port } }, options);
  const test = await client.testConnection({ serverId: server.id }, options);
  if (!test.success) throw new StartError(`The embedded Chroma does not pass its connection test: ${test.message}`);
  return server.id;
}
