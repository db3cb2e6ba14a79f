import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { addControlPlane, type Project } from './control-plane.ts';
import { addDataPlane } from './data-plane.ts';
import { beforeAnswering, type PineconeFault, spoil } from './faults.ts';
import { controlBody, dataBody, Refusal } from './refusal.ts';

/** The version that the SDK speaks. */
const API_VERSION = '2026-07';
const BODY_BYTES_MAX = 2 * 1024 * 1024;
const CONTROL = '/control';
const DATA = '/data';

export interface ServiceParts {
  readonly apiKey: string;
  readonly project: Project;
  readonly fault: () => PineconeFault;
}

/** Both planes, told apart by the Host header. */
export function buildService({ apiKey, project, fault }: ServiceParts): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    exposeHeadRoutes: false,
    rewriteUrl: ({ url = '/', headers }) => (project.nameAt(headers.host) === undefined ? CONTROL : DATA) + url,
  });
  app.addHook('onRequest', async (request, reply) => {
    if (request.headers['api-key'] !== apiKey) return reply.code(401).type('text/plain').send('Invalid API Key');
    const version = String(request.headers['x-pinecone-api-version']);
    if (version !== API_VERSION) throw new Refusal(400, 'INVALID_ARGUMENT', `Unknown API version ${version}`);
    const trouble = await beforeAnswering(fault(), request);
    if (!trouble) return undefined;
    if (trouble.retryAfterSeconds !== undefined) void reply.header('retry-after', trouble.retryAfterSeconds);
    throw new Refusal(trouble.status, trouble.code, 'The service is in trouble.');
  });
  app.addHook('onSend', async (_, reply, payload) =>
    typeof payload === 'string' && reply.statusCode < 300 ? spoil(fault(), payload) : payload,
  );
  app.setErrorHandler((error, request, reply) => refuse(request, reply, asRefusal(error)));
  app.setNotFoundHandler((request, reply) => refuse(request, reply, new Refusal(404, 'NOT_FOUND', 'Not found')));
  addControlPlane(app, project);
  addDataPlane(app, ({ headers }) => {
    const index = project.indexes.get(project.nameAt(headers.host) ?? '');
    if (index?.state() !== 'Ready') throw new Refusal(404, 'NOT_FOUND', 'Index not found');
    return index;
  });
  refuseOtherMethods(app);
  return app;
}

function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const body = request.url.startsWith(`${DATA}/`) ? dataBody(refusal) : controlBody(refusal);
  return reply.code(refusal.status).send(body);
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const { statusCode = 500, message } = error as { statusCode?: number; message: string };
  if (statusCode === 413) return new Refusal(400, 'OUT_OF_RANGE', `The request is larger than ${BODY_BYTES_MAX} bytes`);
  return new Refusal(statusCode, statusCode < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL', message);
}

const METHODS: readonly (readonly [path: string, allowed: readonly string[]])[] = [
  [`${CONTROL}/indexes`, ['GET', 'POST']],
  [`${CONTROL}/indexes/:name`, ['GET', 'DELETE']],
  [`${DATA}/vectors/upsert`, ['POST']],
  [`${DATA}/query`, ['POST']],
  [`${DATA}/vectors/fetch`, ['GET']],
  [`${DATA}/vectors/list`, ['GET']],
  [`${DATA}/vectors/fetch_by_metadata`, ['POST']],
  [`${DATA}/vectors/delete`, ['POST']],
  [`${DATA}/namespaces/:name`, ['GET']],
  [`${DATA}/describe_index_stats`, ['POST']],
];

function refuseOtherMethods(app: FastifyInstance): void {
  for (const [url, allowed] of METHODS) {
    const method = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((each) => !allowed.includes(each));
    const handler = () => Promise.reject(new Refusal(405, 'UNIMPLEMENTED', 'Method Not Allowed'));
    app.route({ method, url, handler });
  }
}
