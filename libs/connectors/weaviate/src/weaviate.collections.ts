import { randomUUID } from 'node:crypto';
import {
  alreadyExists,
  type CollectionInfo,
  type CollectionSpec,
  ConnectorError,
  hasCategory,
  isNotFound,
  type Metric,
  type NameRules,
  nativeName,
  noSuchCollection,
  type Origin,
} from '@morag/connectors-core';
import { z } from 'zod';
import { NOT_WEAVIATE } from './weaviate.errors.ts';
import type { WeaviateOptions } from './weaviate.options.ts';
import { FACTS, ID, META, RANGE_PROPERTIES_MAX, rangeProperty, TEXT } from './weaviate.properties.ts';
import type { Target, WeaviateSession } from './weaviate.wire.ts';

/** A class as the data calls need it. */
export interface WeaviateCollection extends CollectionInfo {
  /** Another one when the collection is deleted and created again. */
  readonly uid: string;
  readonly target: Target;
  /** Of the vector in the class; empty in classes of old that have one without a name. */
  readonly vectorName: string;
  /** Those that serve ranges. */
  readonly properties: ReadonlySet<string>;
}

const VECTOR = 'default';

// Two names that differ only in case are one class to the server, which puts the first letter in upper case. Names that
// start upper-case and go on without any are their own; all others are made.
const NAME_RULES: NameRules = {
  plain: /^(?!V[kt]_)[A-Z][a-z0-9_]*$/,
  prefix: 'Vk_',
  filler: '_',
  lengthMax: 200,
};
/** A class has tenants or not, for ever, so that those with tenants have names of their own. */
const TENANT_NAME_RULES: NameRules = { ...NAME_RULES, plain: /(?!)/, prefix: 'Vt_' };
const CLASS_NAME = /^[A-Z][_0-9A-Za-z]{0,254}$/;

const DISTANCE_OF_METRIC = { cosine: 'cosine', dot: 'dot', euclidean: 'l2-squared' } as const;
const METRIC_OF_DISTANCE: Readonly<Record<string, Metric>> = {
  cosine: 'cosine',
  dot: 'dot',
  'l2-squared': 'euclidean',
};
const QUANTISERS = {
  none: {},
  binary: { bq: { enabled: true } },
  scalar: { sq: { enabled: true } },
  rotational: { rq: { enabled: true } },
};

const indexJson = z.object({ distance: z.string().optional() }).nullish();
const classJson = z.object({
  class: z.string(),
  description: z.string().nullish(),
  properties: z.array(z.object({ name: z.string() })).nullish(),
  vectorIndexConfig: indexJson,
  vectorConfig: z.record(z.string(), z.object({ vectorIndexConfig: indexJson })).nullish(),
  multiTenancyConfig: z.object({ enabled: z.boolean().optional() }).nullish(),
});
const schemaJson = z.object({ classes: z.array(classJson).nullish() });
/** What the server has no place for: the real name, and the dimension before the first insert. */
const descriptionJson = z.object({ _vk_name: z.string(), _vk_dimension: z.int(), _vk_uid: z.string() });

/** Every class that holds, or could hold, records of this tenant, by name. */
export async function listCollections(session: WeaviateSession, tenant: string | undefined) {
  const { classes } = parse(schemaJson, await session.request('GET', '/schema'), session.call);
  const all = (classes ?? []).map((json) => toCollection(json, tenant)).filter((each) => each !== undefined);
  const present = tenant === undefined ? all : await whereTenantIs(session, all);
  return present.toSorted((a, b) => (a.nativeName < b.nativeName ? -1 : 1));
}

async function whereTenantIs(session: WeaviateSession, all: readonly WeaviateCollection[]) {
  const present = await Promise.all(all.map((each) => hasTenant(session, each.target)));
  return all.filter((_, index) => present[index]);
}

export async function findCollection(
  session: WeaviateSession,
  name: string,
  tenant: string | undefined,
): Promise<WeaviateCollection> {
  const made = nativeNameOf(name, tenant);
  const found = await readClass(session, made, tenant);
  if (found?.name === name) return requireTenant(session, found);
  // A class that another program made goes by the server's name for it.
  if (made !== name && CLASS_NAME.test(name)) {
    const foreign = await readClass(session, name, tenant);
    if (foreign?.name === name) return requireTenant(session, foreign);
  }
  throw noSuchCollection(session.call);
}

async function requireTenant(session: WeaviateSession, found: WeaviateCollection): Promise<WeaviateCollection> {
  if (await hasTenant(session, found.target)) return found;
  throw noSuchCollection(session.call);
}

async function readClass(session: WeaviateSession, className: string, tenant: string | undefined) {
  try {
    return toCollection(parse(classJson, await session.request('GET', `/schema/${className}`), session.call), tenant);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function hasTenant(session: WeaviateSession, { className, tenant }: Target): Promise<boolean> {
  if (tenant === undefined) return true;
  try {
    await session.request('GET', `/schema/${className}/tenants/${tenant}`);
    return true;
  } catch (error) {
    // A tenant that is not there is 404 to some versions, and 422 to others.
    if (isNotFound(error) || (error instanceof ConnectorError && error.httpStatus === 422)) return false;
    throw error;
  }
}

/** Rejects as `already_exists` when the collection is there, for this tenant if there is one. */
export async function createCollection(
  session: WeaviateSession,
  spec: CollectionSpec,
  options: WeaviateOptions,
): Promise<WeaviateCollection> {
  const { tenant } = options;
  const className = nativeNameOf(spec.name, tenant);
  const json = classOf(className, spec, options);
  const make = async () => {
    const answer = await session.request('POST', '/schema', json);
    return require(toCollection(parse(classJson, answer, session.call), tenant), session.call);
  };
  if (tenant === undefined) return make();
  let shared = await readClass(session, className, tenant);
  shared ??= await make().catch(async (error: unknown) => {
    if (!hasCategory(error, 'already_exists')) throw error;
    return require(await readClass(session, className, tenant), session.call);
  });
  if (await hasTenant(session, shared.target)) throw alreadyExists(session.call);
  // The class is that of all tenants, and so is what its vectors are.
  if (shared.dimension !== spec.dimension || shared.metric !== spec.metric) {
    const tenants = await session.request('GET', `/schema/${className}/tenants`);
    if (!Array.isArray(tenants) || tenants.length > 0) {
      throw new ConnectorError('conflict', session.call, 'Other tenants have it with another dimension or metric.');
    }
    // All of them have gone.
    await session.request('DELETE', `/schema/${className}`);
    shared = await make();
  }
  await session.request('POST', `/schema/${className}/tenants`, [{ name: tenant }]);
  return shared;
}

export async function deleteCollection(session: WeaviateSession, { className, tenant }: Target): Promise<void> {
  if (tenant === undefined) await session.request('DELETE', `/schema/${className}`);
  else await session.request('DELETE', `/schema/${className}/tenants`, [tenant]);
}

/** Adds properties for ranges, as many as there is room for; those that someone else has just added are fine. */
export async function addProperties(
  session: WeaviateSession,
  collection: WeaviateCollection,
  names: Iterable<string>,
): Promise<WeaviateCollection> {
  const properties = new Set(collection.properties);
  for (const name of names) {
    if (properties.has(name) || properties.size >= RANGE_PROPERTIES_MAX) continue;
    try {
      await session.request('POST', `/schema/${collection.nativeName}/properties`, numberProperty(name));
    } catch (error) {
      if (!hasCategory(error, 'already_exists')) throw error;
    }
    properties.add(name);
  }
  return { ...collection, properties };
}

/** The answer in its expected form; anything else there is not Weaviate. */
export function parse<T>(schema: z.ZodType<T>, answer: unknown, origin: Origin): T {
  const parsed = schema.safeParse(answer);
  if (!parsed.success) throw new ConnectorError('protocol', origin, NOT_WEAVIATE);
  return parsed.data;
}

function require(found: WeaviateCollection | undefined, origin: Origin): WeaviateCollection {
  if (!found) throw noSuchCollection(origin);
  return found;
}

function nativeNameOf(name: string, tenant: string | undefined): string {
  return nativeName(name, tenant === undefined ? NAME_RULES : TENANT_NAME_RULES);
}

function classOf(className: string, spec: CollectionSpec, options: WeaviateOptions) {
  const { name, dimension, metric, filterFields = [] } = spec;
  const { hnsw, quantisation, replicas, tenant, words } = options;
  return {
    class: className,
    description: JSON.stringify({ _vk_name: name, _vk_dimension: dimension, _vk_uid: randomUUID() }),
    vectorConfig: {
      [VECTOR]: {
        vectorizer: { none: {} },
        vectorIndexType: 'hnsw',
        vectorIndexConfig: {
          distance: DISTANCE_OF_METRIC[metric],
          ...hnsw,
          ...QUANTISERS[quantisation],
          skipDefaultQuantization: true,
        },
      },
    },
    // Documents may be in any language; the server's own list of words to pass over is English.
    invertedIndexConfig: { stopwords: { preset: 'none' } },
    properties: [
      textProperty(ID),
      textProperty(META),
      { ...textProperty(TEXT), indexSearchable: true, tokenization: words },
      { ...textProperty(FACTS), dataType: ['text[]'], indexFilterable: true },
      ...filterFields
        .filter(({ type }) => type !== 'boolean')
        .slice(0, RANGE_PROPERTIES_MAX)
        .map(({ name: key, type }) =>
          type === 'number'
            ? numberProperty(rangeProperty(key, 'number'))
            : { ...textProperty(rangeProperty(key, 'string')), indexFilterable: true },
        ),
    ],
    ...(replicas !== undefined && { replicationConfig: { factor: replicas } }),
    multiTenancyConfig: { enabled: tenant !== undefined },
  };
}

function textProperty(name: string) {
  return { name, dataType: ['text'], tokenization: 'field', indexFilterable: false, indexSearchable: false };
}

function numberProperty(name: string) {
  return { name, dataType: ['number'], indexFilterable: true, indexSearchable: false, indexRangeFilters: true };
}

/** Undefined for a class with tenants where none is asked for, and the other way round. */
function toCollection(json: z.infer<typeof classJson>, tenant: string | undefined): WeaviateCollection | undefined {
  if ((json.multiTenancyConfig?.enabled ?? false) !== (tenant !== undefined)) return undefined;
  const ours = descriptionOf(json.description);
  const [[vectorName, named] = ['', undefined]] = Object.entries(json.vectorConfig ?? {});
  const distance = (named ?? json).vectorIndexConfig?.distance;
  return {
    name: ours?._vk_name ?? json.class,
    nativeName: json.class,
    dimension: ours?._vk_dimension ?? null,
    metric: METRIC_OF_DISTANCE[distance ?? ''] ?? null,
    state: 'ready',
    createdByUs: ours !== undefined,
    uid: ours?._vk_uid ?? json.class,
    target: { className: json.class, tenant },
    vectorName,
    properties: new Set((json.properties ?? []).map(({ name }) => name).filter((name) => /^[ns]x?_/.test(name))),
  };
}

function descriptionOf(text: string | null | undefined) {
  try {
    return descriptionJson.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}
