import { Pool } from 'pg';
import type { OpenSdk } from './sdk-side.ts';

/** By `pg`, a statement at a time; the settings that the connector makes for a query are those of the session. */
export const openPgvector: OpenSdk = async ({ host, port, username, password, database }) => {
  const options = '-c hnsw.iterative_scan=strict_order -c hnsw.ef_search=100';
  const pool = new Pool({ host, port, user: username, password, database, options, max: 16 });
  // Of idle connections, when the server is stopped sooner than they are closed.
  pool.on('error', () => {});
  return {
    async query(name, vector, topK) {
      const { rows } = await pool.query(
        `SELECT id, metadata, document, embedding <=> $1::vector AS distance
         FROM public."${name}" ORDER BY embedding <=> $1::vector LIMIT ${topK}`,
        [JSON.stringify(vector)],
      );
      return rows.length;
    },
    async upsert(name, records) {
      await pool.query(
        `INSERT INTO public."${name}" (id, embedding, metadata, document)
         SELECT * FROM unnest($1::text[], $2::vector[], $3::jsonb[], $4::text[])
         ON CONFLICT (id) DO UPDATE
         SET embedding = excluded.embedding, metadata = excluded.metadata, document = excluded.document`,
        [
          records.map(({ id }) => id),
          records.map(({ vector }) => JSON.stringify(vector)),
          records.map(({ metadata }) => JSON.stringify(metadata)),
          records.map(({ document }) => document),
        ],
      );
    },
    close: () => pool.end(),
  };
};
