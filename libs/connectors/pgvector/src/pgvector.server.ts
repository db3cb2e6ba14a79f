import { type Call, ConnectorError, isAtLeast, type ServerInfo, type ServerStats } from '@morag/connectors-core';
import type { Session } from './pgvector.database.ts';

/** The first version that scans an index iteratively. */
const VERSION_MIN = [0, 8] as const;

interface VersionRow {
  readonly server: string;
  readonly extension: string | null;
  readonly available: string | null;
}

/** Proves that the login works and that pgvector is there, or can be created. */
export async function checkServer(session: Session, call: Call): Promise<ServerInfo> {
  const [row] = await session.query<VersionRow>({
    text: `
      SELECT current_setting('server_version') AS server,
        (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS extension,
        (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available`,
  });
  const pgvector = row?.extension ?? row?.available;
  if (!row || !pgvector) {
    throw new ConnectorError('unsupported', call, 'PostgreSQL answers, but pgvector is not installed on this server.');
  }
  if (!isAtLeast(pgvector, VERSION_MIN)) {
    throw new ConnectorError('unsupported', call, `pgvector ${pgvector} is too old: 0.8 or later is needed.`);
  }
  const warnings = row.extension ? [] : ['The extension vector is created with the first collection.'];
  return {
    vendor: 'pgvector',
    version: row.server.split(' ')[0] ?? row.server,
    edition: `pgvector ${pgvector}`,
    warnings,
  };
}

export async function databaseStats(session: Session, schema: string): Promise<ServerStats> {
  const [row] = await session.query<{ bytes: string; collections: string }>({
    text: `
      SELECT count(*) AS collections, coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8 AS bytes
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') LIKE '{"morag":1,%'`,
    values: [schema],
  });
  return { collections: Number(row?.collections ?? 0), sizeBytes: Number(row?.bytes ?? 0) };
}

export async function tableSizeBytes(session: Session, oid: number): Promise<number> {
  const text = 'SELECT pg_total_relation_size($1::oid) AS bytes';
  const [row] = await session.query<{ bytes: string | null }>({ text, values: [oid] });
  return Number(row?.bytes ?? 0);
}
