import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  alreadyExists,
  type Call,
  type CollectionInfo,
  type CollectionSpec,
  type CollectionState,
  ConnectorError,
  type Metric,
  type NameRules,
  nativeName,
  type Origin,
} from '@morag/connectors-core';
import type { CreateIndexOptions } from '@pinecone-database/pinecone';
import { z } from 'zod';
import { hasStatus } from './pinecone.errors.ts';
import type { PineconeOptions } from './pinecone.options.ts';
import type { PineconeSession } from './pinecone.wire.ts';

/** An index as the data calls need it. */
export interface PineconeIndex extends CollectionInfo {
  readonly host: string;
  /** Another one when the index is deleted and created again, where connectors made it. */
  readonly identity: string;
}

const NAME_RULES: NameRules = {
  plain: /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/,
  prefix: 'vk-',
  filler: '-',
  lengthMax: 45,
};

const NATIVE_METRIC = { cosine: 'cosine', dot: 'dotproduct', euclidean: 'euclidean' } as const;
const METRIC: Readonly<Record<string, Metric>> = { cosine: 'cosine', dotproduct: 'dot', euclidean: 'euclidean' };
const STATE: Readonly<Record<string, CollectionState>> = {
  Ready: 'ready',
  InitializationFailed: 'failed',
  Terminating: 'terminating',
  Disabled: 'degraded',
};

/** A tag holds 120 characters of ASCII, hence the name in base64url and in parts. */
const NAME_TAG = 'vk_name_';
const CREATION_TAG = 'vk_creation';
const TAG_LENGTH_MAX = 120;

// The SDK polls every 5 s.
const POLL_MS_MIN = 50;
const POLL_MS_MAX = 1_000;

const indexJson = z.object({
  name: z.string(),
  host: z.string().nullish(),
  privateHost: z.string().nullish(),
  status: z.object({ ready: z.boolean(), state: z.string() }),
  schema: z.object({ fields: z.record(z.string(), z.unknown()) }).nullish(),
  tags: z.record(z.string(), z.string()).nullish(),
});
const vectorsJson = z.object({ dimension: z.int().min(1), metric: z.string() });

/** All indexes of the project by name: the server does not page. */
export async function listIndexes({ control }: PineconeSession, origin: Origin): Promise<PineconeIndex[]> {
  const { indexes } = await control.indexes.list();
  const parsed = z.array(indexJson).safeParse(indexes);
  if (!parsed.success) throw new ConnectorError('protocol', origin, 'What answers there is not Pinecone.');
  return parsed.data.map(toIndex).sort((a, b) => (a.nativeName < b.nativeName ? -1 : 1));
}

export async function findIndex({ control }: PineconeSession, origin: Origin, name: string): Promise<PineconeIndex> {
  const answer = await control.indexes.describe(nativeName(name, NAME_RULES));
  const parsed = indexJson.safeParse(answer);
  if (!parsed.success) throw new ConnectorError('protocol', origin, 'What answers there is not Pinecone.');
  return toIndex(parsed.data);
}

/** Creates the index and waits until it takes records. A repetition recognises what its first attempt has made. */
export async function createIndex(
  session: PineconeSession,
  call: Call,
  spec: CollectionSpec,
  options: PineconeOptions,
  creation: string,
): Promise<PineconeIndex> {
  const request = {
    name: nativeName(spec.name, NAME_RULES),
    schema: {
      fields: {
        _values: { type: 'dense_vector', dimension: spec.dimension, metric: NATIVE_METRIC[spec.metric] },
      },
    },
    deployment: { deploymentType: 'managed', cloud: options.cloud, region: options.region },
    deletionProtection: options.deletionProtection ? 'enabled' : 'disabled',
    tags: { ...nameTags(spec.name), [CREATION_TAG]: creation },
  } as const;
  while (!(await wasCreated(session, request))) {
    const present = await untilSettled(session, call, spec.name);
    if (present?.identity === creation) break;
    if (present) throw alreadyExists(call);
    await delay(POLL_MS_MIN, undefined, { signal: call.signal });
  }
  return untilReady(session, call, spec.name);
}

/** False when the name is taken. */
async function wasCreated(
  { control }: PineconeSession,
  request: CreateIndexOptions & { suppressConflicts?: false },
): Promise<boolean> {
  try {
    await control.indexes.create(request);
    return true;
  } catch (error) {
    if (hasStatus(error, 409)) return false;
    throw error;
  }
}

/** For one call of `createIndex` and all of its repetitions. */
export function newCreation(): string {
  return randomUUID();
}

/** Returns when the name is free again, or taken anew: deletion goes on after the server has answered. */
export async function deleteIndex(session: PineconeSession, call: Call, name: string): Promise<void> {
  await session.control.indexes.delete(nativeName(name, NAME_RULES));
  await untilSettled(session, call, name);
}

/** Until the index takes records. */
export async function untilReady(session: PineconeSession, call: Call, name: string): Promise<PineconeIndex> {
  for (let waitMs = POLL_MS_MIN; ; waitMs = Math.min(POLL_MS_MAX, waitMs * 1.5)) {
    const index = await findIndex(session, call, name);
    if (index.state === 'ready') return index;
    if (index.state !== 'building') {
      throw new ConnectorError('unavailable', call, `The index is ${index.state}.`, { retryable: false });
    }
    await delay(waitMs, undefined, { signal: call.signal });
  }
}

/** The index once it is not being deleted; undefined when there is none, and its name is free. */
async function untilSettled(session: PineconeSession, call: Call, name: string): Promise<PineconeIndex | undefined> {
  for (let waitMs = POLL_MS_MIN; ; waitMs = Math.min(POLL_MS_MAX, waitMs * 1.5)) {
    try {
      const index = await findIndex(session, call, name);
      if (index.state !== 'terminating') return index;
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
    await delay(waitMs, undefined, { signal: call.signal });
  }
}

function toIndex(json: z.infer<typeof indexJson>): PineconeIndex {
  // Indexes of the documents API have fields of their own names, and cannot be read as vectors.
  const vectors = vectorsJson.safeParse(json.schema?.fields._values).data;
  const tags = json.tags ?? {};
  const name = nameOf(tags);
  const host = json.privateHost || json.host || '';
  return {
    name: name ?? json.name,
    nativeName: json.name,
    dimension: vectors?.dimension ?? null,
    metric: METRIC[vectors?.metric ?? ''] ?? null,
    state: json.status.ready ? 'ready' : (STATE[json.status.state] ?? 'building'),
    createdByUs: name !== undefined,
    host,
    identity: tags[CREATION_TAG] ?? `${host} ${vectors?.dimension} ${vectors?.metric}`,
  };
}

function nameTags(name: string): Record<string, string> {
  const text = Buffer.from(name).toString('base64url');
  const tags: Record<string, string> = {};
  for (let part = 0; part * TAG_LENGTH_MAX < text.length; part++) {
    tags[NAME_TAG + part] = text.slice(part * TAG_LENGTH_MAX, (part + 1) * TAG_LENGTH_MAX);
  }
  return tags;
}

function nameOf(tags: Readonly<Record<string, string>>): string | undefined {
  let text = '';
  for (let part = 0; tags[NAME_TAG + part] !== undefined; part++) text += tags[NAME_TAG + part];
  return text === '' ? undefined : Buffer.from(text, 'base64url').toString();
}
