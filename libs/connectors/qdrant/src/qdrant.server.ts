import { type Call, ConnectorError } from '@morag/connectors-core';
import { z } from 'zod';
import { notQdrant, parseResult } from './qdrant.answers.ts';
import type { QdrantWire } from './qdrant.wire.ts';

/** Collections carry metadata, and rank fusion its constant, from here on. */
const OLDEST = [1, 16] as const;
const rootJson = z.object({ title: z.string(), version: z.string().regex(/^\d+\.\d+\./) });

const clusterJson = z.union([
  z.object({ status: z.literal('disabled') }),
  z.object({ status: z.literal('enabled'), peers: z.record(z.string(), z.unknown()) }),
]);

/** Machines of the cluster; undefined where the key may not ask. */
export async function countNodes(wire: QdrantWire, call: Call): Promise<number | undefined> {
  try {
    const cluster = parseResult(clusterJson, await wire.ask(call, (api, init) => api.clusterStatus({}, init)), call);
    return cluster.status === 'disabled' ? 1 : Object.keys(cluster.peers).length;
  } catch {
    return undefined;
  }
}

/** Answered to anyone who asks: it proves no key. A server that is too old is `unsupported`. */
export async function serverVersion(wire: QdrantWire, call: Call): Promise<string> {
  const body: unknown = await wire.ask(call, (api, init) => api.root({}, init));
  const parsed = rootJson.safeParse(body);
  if (!parsed.success) throw notQdrant(call);
  const { version } = parsed.data;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new ConnectorError('unsupported', call, `Qdrant ${version} is too old: ${OLDEST.join('.')} is needed.`);
  }
  return version;
}
