import type { Collection } from './collection.ts';
import { parseIndexSchema } from './config.ts';
import { checkName, type Database } from './database.ts';
import { badBody, Failure } from './failure.ts';
import { isObject, parseBody } from './json.ts';
import { checkOrdering, flag, timeoutOf } from './parameters.ts';
import {
  readBatch,
  readClearPayload,
  readDelete,
  readDeletePayload,
  readOverwritePayload,
  readSetPayload,
  readUpdateVectors,
  readUpsert,
  type Write,
} from './points.ts';
import {
  type Read,
  readCount,
  readFacet,
  readGroups,
  readOne,
  readPointsQuery,
  readRetrieve,
  readScroll,
  readSearch,
} from './reads.ts';
import { checkBatch, checkIndexCount } from './strict-mode.ts';

/** One request with its path taken apart. */
export interface Request {
  readonly database: Database;
  /** What stands in the path for `{}`, in turn. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly body: string;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly access: 'read' | 'write' | 'manage';
  run(request: Request): unknown;
}

const APPLIED_LATE_MS = 50;

const json = ({ body }: Request) => parseBody(body);
const name = ({ parts }: Request) => {
  const [collection = ''] = parts;
  checkName(collection);
  return collection;
};

function read(understand: (request: Request) => Read): Route['run'] {
  return (request) => {
    const collectionName = name(request);
    const answer = understand(request);
    const collection = request.database.get(collectionName);
    collection.rates.take(collection, 'read');
    return answer(collection);
  };
}

function write(understand: (body: unknown) => Write): Route['run'] {
  return (request) => {
    const { state, collection, timeoutSeconds } = startWrite(request);
    const apply = understand(json(request));
    const on = collection();
    if (state === 'completed' && timeoutSeconds === 0) {
      applyLate(on, apply);
      return { operation_id: on.operations + 1, status: 'wait_timeout' };
    }
    apply(on);
    return { operation_id: on.operations, status: state };
  };
}

/** The server has taken the write, and carries it out, or fails to, when nobody waits any more. */
function applyLate(collection: Collection, apply: Write): void {
  const late = () => {
    try {
      apply(collection);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
  };
  setTimeout(late, APPLIED_LATE_MS).unref();
}

function startWrite(request: Request) {
  const collectionName = name(request);
  checkOrdering(request.query);
  const timeoutSeconds = timeoutOf(request.query, 'allowed');
  const state = flag(request.query, 'wait') ? 'completed' : 'acknowledged';
  return { state, timeoutSeconds, collection: (): Collection => request.database.get(collectionName) };
}

function batch(request: Request): unknown {
  const { state, collection } = startWrite(request);
  const writes = readBatch(json(request));
  const on = collection();
  return writes.map((apply) => {
    apply(on);
    return { operation_id: on.operations, status: state };
  });
}

function queryBatch(request: Request): unknown {
  const body = json(request);
  const searches = isObject(body) ? body.searches : undefined;
  if (!Array.isArray(searches)) throw badBody('missing field `searches`');
  const answers = searches.map((search: unknown) => readPointsQuery(search, undefined));
  const collection = request.database.get(name(request));
  checkBatch(collection, answers.length);
  return answers.map((answer) => answer(collection));
}

function createIndex(request: Request): unknown {
  const { state, collection } = startWrite(request);
  const body = json(request);
  const { field_name: field, field_schema: schema } = isObject(body) ? body : {};
  if (typeof field !== 'string') throw badBody('missing field `field_name`');
  if (schema !== undefined) parseIndexSchema(schema);
  const on = collection();
  checkIndexCount(on, field);
  on.createIndex(field, schema);
  return { operation_id: on.nextOperation(), status: state };
}

function deleteIndex(request: Request): unknown {
  const { state, collection } = startWrite(request);
  const on = collection();
  on.indexes.delete(request.parts[1] ?? '');
  return { operation_id: on.nextOperation(), status: state };
}

function createCollection(request: Request): unknown {
  const collectionName = name(request);
  timeoutOf(request.query, 'validated');
  return request.database.create(collectionName, json(request));
}

function updateCollection(request: Request): unknown {
  const body = json(request);
  request.database.get(name(request)).update(isObject(body) ? body : {});
  return true;
}

const collections = ({ database }: Request) => ({ collections: database.names().map((each) => ({ name: each })) });
const queryTimeout = ({ query }: Request) => timeoutOf(query, 'nonzero');

/** Every endpoint that is stood in for; any other path is answered 404, with a key. */
const ROUTES: readonly Route[] = [
  route('GET', '/collections', 'read', collections),
  route('GET', '/aliases', 'read', ({ database }) => ({ aliases: database.aliases() })),
  route('POST', '/collections/aliases', 'manage', (request) => request.database.changeAliases(json(request))),
  route('GET', '/cluster', 'read', () => ({ status: 'disabled' })),
  route('GET', '/collections/{}', 'read', (request) => request.database.get(name(request)).info()),
  route('PUT', '/collections/{}', 'manage', createCollection),
  route('PATCH', '/collections/{}', 'manage', updateCollection),
  route('DELETE', '/collections/{}', 'manage', (request) => request.database.delete(name(request))),
  route('GET', '/collections/{}/exists', 'read', (request) => ({ exists: request.database.has(name(request)) })),
  route('GET', '/collections/{}/aliases', 'read', (request) => ({ aliases: request.database.aliases(name(request)) })),
  route('PUT', '/collections/{}/index', 'manage', createIndex),
  route('DELETE', '/collections/{}/index/{}', 'manage', deleteIndex),
  route('PUT', '/collections/{}/points', 'write', write(readUpsert)),
  route(
    'POST',
    '/collections/{}/points',
    'read',
    read((request) => readRetrieve(json(request))),
  ),
  route(
    'GET',
    '/collections/{}/points/{}',
    'read',
    read(({ parts }) => readOne(parts[1] ?? '')),
  ),
  route('POST', '/collections/{}/points/delete', 'write', write(readDelete)),
  route('PUT', '/collections/{}/points/vectors', 'write', write(readUpdateVectors)),
  route('POST', '/collections/{}/points/payload', 'write', write(readSetPayload)),
  route('PUT', '/collections/{}/points/payload', 'write', write(readOverwritePayload)),
  route('POST', '/collections/{}/points/payload/delete', 'write', write(readDeletePayload)),
  route('POST', '/collections/{}/points/payload/clear', 'write', write(readClearPayload)),
  route('POST', '/collections/{}/points/batch', 'write', batch),
  route(
    'POST',
    '/collections/{}/points/scroll',
    'read',
    read((request) => readScroll(json(request))),
  ),
  route(
    'POST',
    '/collections/{}/points/count',
    'read',
    read((request) => readCount(json(request))),
  ),
  route('POST', '/collections/{}/points/query/batch', 'read', queryBatch),
  route(
    'POST',
    '/collections/{}/points/query/groups',
    'read',
    read((request) => readGroups(json(request))),
  ),
  route(
    'POST',
    '/collections/{}/points/search',
    'read',
    read((request) => readSearch(json(request))),
  ),
  route(
    'POST',
    '/collections/{}/facet',
    'read',
    read((request) => readFacet(json(request))),
  ),
  route(
    'POST',
    '/collections/{}/points/query',
    'read',
    read((request) => {
      const timeoutSeconds = queryTimeout(request);
      return readPointsQuery(json(request), timeoutSeconds);
    }),
  ),
];

function route(method: string, path: string, access: Route['access'], run: Route['run']): Route {
  return { method, path: new RegExp(`^${path.replaceAll('{}', '([^/]+)')}$`), access, run };
}

/** What stands at this method and path, if anything does; `parts` are decoded. */
export function findRoute(
  method: string,
  path: string,
): { readonly route: Route; readonly parts: string[] } | undefined {
  for (const each of ROUTES) {
    if (each.method !== method) continue;
    const match = each.path.exec(path);
    if (match) return { route: each, parts: match.slice(1).map(decodeURIComponent) };
  }
  return undefined;
}

/** A key that may only read is refused before anything else is looked at. */
export function checkAccess({ access }: Route, readOnly: boolean): void {
  if (!readOnly || access === 'read') return;
  const needed = access === 'manage' ? 'Global manage' : 'Global write';
  throw new Failure(403, `Forbidden: ${needed} access is required`);
}
