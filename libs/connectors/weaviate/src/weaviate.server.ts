import { ConnectorError, hasCategory, isNotFound } from '@morag/connectors-core';
import { z } from 'zod';
import { listCollections, parse } from './weaviate.collections.ts';
import { NOT_WEAVIATE } from './weaviate.errors.ts';
import type { WeaviateSession } from './weaviate.wire.ts';

/** The first with everything that this connector asks for over gRPC. */
const VERSION_MIN = [1, 29] as const;

const metaJson = z.object({ version: z.string().regex(/^\d+\.\d+/), hostname: z.string() });
const nodesJson = z.object({ nodes: z.array(z.object({ status: z.string() })) });

/** The server's version, which it tells those with credentials alone. */
export async function serverVersion(session: WeaviateSession): Promise<string> {
  const meta = await session.request('GET', '/meta').catch((error: unknown) => {
    // Every Weaviate has it.
    throw isNotFound(error) ? new ConnectorError('protocol', session.call, NOT_WEAVIATE, { cause: error }) : error;
  });
  const { version } = parse(metaJson, meta, session.call);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = VERSION_MIN;
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
    const least = VERSION_MIN.join('.');
    throw new ConnectorError(
      'unsupported',
      session.call,
      `Weaviate ${version} is too old: ${least} or later is needed.`,
    );
  }
  return version;
}

/** Proves that gRPC answers, and takes the credentials: by asking for a class that nobody can make. */
export async function probeGrpc(session: WeaviateSession): Promise<void> {
  try {
    await session.count({ className: 'Vk_' }, undefined);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** The nodes, and what there is to say of them; nothing where the credentials do not reach that far. */
export async function nodesOf(session: WeaviateSession): Promise<{ nodes?: number; warnings: string[] }> {
  try {
    const { nodes } = parse(nodesJson, await session.request('GET', '/nodes'), session.call);
    const unwell = nodes.filter(({ status }) => status !== 'HEALTHY').length;
    const warnings = unwell > 0 ? [`${unwell} of ${nodes.length} nodes are not healthy.`] : [];
    return { nodes: nodes.length, warnings };
  } catch (error) {
    if (hasCategory(error, 'permission_denied')) return { warnings: [] };
    throw error;
  }
}

/** Tenants belong to collections: one that none of them has may be new, or misspelt. */
export async function tenantWarnings(session: WeaviateSession, tenant: string | undefined): Promise<string[]> {
  if (tenant === undefined || (await listCollections(session, tenant)).length > 0) return [];
  return [`No collection has the tenant ${tenant} yet.`];
}
