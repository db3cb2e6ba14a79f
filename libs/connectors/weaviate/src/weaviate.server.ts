import { ConnectorError } from '@morag/connectors-core';
import { z } from 'zod';
import { parse } from './weaviate.collections.ts';
import type { WeaviateSession } from './weaviate.wire.ts';

/** The first with everything that this connector asks for over gRPC. */
const VERSION_MIN = [1, 29] as const;

const metaJson = z.object({ version: z.string().regex(/^\d+\.\d+/), hostname: z.string() });
const nodesJson = z.object({ nodes: z.array(z.object({ status: z.string() })) });

/** The server's version, which it tells those with credentials alone. */
export async function serverVersion(session: WeaviateSession): Promise<string> {
  const { version } = parse(metaJson, await session.request('GET', '/meta'), session.call);
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

/** What a cluster has to say of its nodes; nothing where the credentials do not reach that far. */
export async function nodeWarnings(session: WeaviateSession): Promise<string[]> {
  try {
    const { nodes } = parse(nodesJson, await session.request('GET', '/nodes'), session.call);
    const unwell = nodes.filter(({ status }) => status !== 'HEALTHY').length;
    return unwell > 0 ? [`${unwell} of ${nodes.length} nodes are not healthy.`] : [];
  } catch (error) {
    if (error instanceof ConnectorError && error.category === 'permission_denied') return [];
    throw error;
  }
}
