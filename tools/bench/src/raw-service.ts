import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Authenticator, permissionsOf, requirePrincipal } from '@morag/auth';
import { type Server, ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { createServiceHost, notYetAvailable } from '@morag/rpc';
import { createLogger, createMetrics } from '@morag/telemetry';
import pg from 'pg';

/**
 * The baseline of P9, a program of its own: the same two RPCs in the same host, written straight on pg. Arguments: URL of
 * PostgreSQL, owner. Prints its port.
 */
async function main(url: string, ownerId: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 15 });
  const rows = async (sql: string, params: unknown[]): Promise<Server[]> =>
    (await pool.query(sql, params)).rows.map(toServer);
  const others = Object.keys(ServerService.method) as (keyof typeof ServerService.method)[];
  const authenticator: Authenticator = {
    authenticate: async (credential) => ({
      kind: 'user',
      userId: ownerId,
      role: 'USER',
      permissions: permissionsOf('USER'),
      credential,
    }),
  };
  const host = createServiceHost({
    name: 'raw',
    host: '127.0.0.1',
    port: 0,
    descriptors: [ServerService],
    routes: (router) => {
      router.service(ServerService, {
        ...notYetAvailable(ServerService, others),
        async getServer({ serverId }, context) {
          const [server] = await rows('select * from servers.servers where id = $1 and owner_id = $2', [
            serverId,
            requirePrincipal(context).userId,
          ]);
          return server ?? {};
        },
        async listServers({ pageSize }, context) {
          const sql = 'select * from servers.servers where owner_id = $1 order by created_at desc, id desc limit $2';
          return { servers: await rows(sql, [requirePrincipal(context).userId, pageSize]) };
        },
      });
    },
    authenticator,
    logger: createLogger({ level: 'silent', service: 'raw' }),
    metrics: createMetrics({ service: 'raw' }),
    readiness: async () => ({}),
  });
  process.stdout.write(`${(await host.start()).port}\n`);
}

/** The columns as PostgreSQL names them. */
interface Row {
  readonly [column: string]: string & number & boolean & Date & Record<string, string>;
}

function toServer(row: Row): Server {
  return create(ServerSchema, {
    id: row.id,
    ownerId: row.owner_id,
    name: row.name,
    type: 4,
    host: row.host,
    port: row.port,
    tls: 1,
    username: row.username,
    database: row.database,
    collection: row.collection,
    config: row.config,
    labels: row.labels,
    isActive: row.is_active,
    lastConnectedTime: row.last_connected_at ? timestampFromDate(row.last_connected_at) : undefined,
    createTime: row.created_at && timestampFromDate(row.created_at),
    updateTime: row.updated_at && timestampFromDate(row.updated_at),
    etag: `"${row.version}"`,
  });
}

await main(process.argv[2] ?? '', process.argv[3] ?? '');
