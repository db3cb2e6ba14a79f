import { type Call, ConnectorError, type ServerSettings } from '@morag/connectors-core';
import { z } from 'zod';
import { parse } from './chroma.collections.ts';
import type { ChromaOptions } from './chroma.options.ts';
import type { ChromaSession } from './chroma.wire.ts';

const databaseJson = z.object({ name: z.string(), tenant: z.string() });
const heartbeatJson = z.object({ 'nanosecond heartbeat': z.number() });

/** Proves that Chroma answers and that the tenant's database exists. A list of a missing one would be empty, not refused. */
export async function pingServer(
  session: ChromaSession,
  call: Call,
  { database }: ServerSettings,
  { tenant }: ChromaOptions,
): Promise<void> {
  const path = `/api/v2/tenants/${encodeURIComponent(tenant)}/databases/${encodeURIComponent(database || 'default_database')}`;
  try {
    parse(databaseJson, await session.request('GET', path), call);
  } catch (error) {
    // Other programs answer 404 too: only the heartbeat tells a missing database from a server that is not Chroma.
    if (!session.answered(404)) throw error;
    const heartbeat = await session.request('GET', '/api/v2/heartbeat').catch(() => undefined);
    if (!heartbeatJson.safeParse(heartbeat).success) {
      throw new ConnectorError('protocol', call, 'What answers there is not Chroma.', { cause: error });
    }
    throw new ConnectorError('not_found', call, 'The server has no such tenant or database.', { cause: error });
  }
}

/** 1.5.9 still says 1.0.0 of itself. */
export async function serverVersion(session: ChromaSession, call: Call): Promise<string> {
  return parse(z.string(), await session.request('GET', '/api/v2/version'), call);
}
