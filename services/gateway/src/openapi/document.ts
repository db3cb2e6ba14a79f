import { REASONS } from '@morag/errors';
import type { Contracts } from '../contracts/contracts.ts';
import { bindingsOf } from '../routing/binding.ts';
import { createComments } from './comments.ts';
import { COMMON_HEADERS, describeOperation, type OperationParts, openApiPath, tagOf } from './operation.ts';
import { createSchemas, type Schema } from './schema.ts';

const DESCRIPTION = `Control plane and data plane for vector databases. The same methods answer gRPC, gRPC-Web and Connect on
each service's own port.

JSON is the JSON of protocol buffers. Unknown fields are refused; fields that only the server sets are ignored. Errors are
\`application/problem+json\` (RFC 9457): branch on \`type\`, which is \`urn:morag:error:<REASON>\`.`;

/** The OpenAPI 3.1 document of everything that REST can call; `contracts` are those with comments. */
export function buildOpenApi({ methods }: Contracts): Schema {
  const comments = createComments();
  const schemas = createSchemas(comments);
  const parts: OperationParts = { schemas, comments };
  const paths: Record<string, Record<string, Schema>> = {};
  const tags = new Map<string, string>();
  for (const published of methods) {
    for (const [index, binding] of bindingsOf(published).entries()) {
      const path = openApiPath(binding.template);
      paths[path] = { ...paths[path], [binding.httpMethod.toLowerCase()]: describeOperation(binding, index, parts) };
      tags.set(tagOf(binding), comments(binding.method.parent));
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'MoRAG',
      version: '1',
      summary: 'Register vector databases, watch them, fill them, search them.',
      description: DESCRIPTION.replaceAll(/(?<!\n)\n(?!\n)/g, ' '),
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: [...tags].map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: { ...COMPONENTS, schemas: { ...schemas.components(), Problem: PROBLEM } },
  };
}

const PROBLEM: Schema = {
  type: 'object',
  description: 'Why a request failed (RFC 9457).',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  properties: {
    type: {
      type: 'string',
      description: 'What a client branches on.',
      examples: ['urn:morag:error:SERVER_NOT_FOUND'],
      enum: [...Object.keys(REASONS).map((reason) => `urn:morag:error:${reason}`), 'about:blank'],
    },
    title: { type: 'string', description: 'The kind of error, for people.' },
    status: { type: 'integer', description: 'The HTTP status.' },
    detail: { type: 'string', description: 'What went wrong, for people; may change.' },
    code: { type: 'string', description: 'The RPC code, such as `not_found`.' },
    requestId: { type: 'string', description: 'Leads to the log lines of the call.' },
    metadata: { type: 'object', additionalProperties: { type: 'string' }, description: 'Details for programs.' },
    violations: {
      type: 'array',
      description: 'The fields at fault.',
      items: {
        type: 'object',
        required: ['field', 'description'],
        properties: {
          field: { type: 'string', description: 'Path in JSON names, such as `records[3].vector`.' },
          description: { type: 'string' },
        },
      },
    },
  },
};

const COMPONENTS: Schema = {
  securitySchemes: {
    bearer: { type: 'http', scheme: 'bearer', description: 'An access token of `Auth.Login`.' },
    apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key, `mrg_…`.' },
  },
  parameters: {
    IdempotencyKey: {
      name: 'Idempotency-Key',
      in: 'header',
      description: 'Makes a repeat return the first result; the same as `requestId`.',
      schema: { type: 'string', maxLength: 64 },
    },
    IfMatch: {
      name: 'If-Match',
      in: 'header',
      description: 'The `ETag` that the change builds on; another one is refused with 412.',
      schema: { type: 'string' },
    },
    RequestTimeout: {
      name: 'Request-Timeout',
      in: 'header',
      description: 'Deadline in seconds, at most 600; 30 for calls without one, none for streams.',
      schema: { type: 'number', exclusiveMinimum: 0, maximum: 600 },
    },
  },
  headers: {
    RequestId: { description: 'Names the call in every log.', schema: { type: 'string' } },
    ETag: { description: 'Changes with every change of the resource.', schema: { type: 'string' } },
    RateLimit: {
      description:
        'What is left of the limit that is nearest, such as `"user";r=59;t=1`: calls that could follow at once, and ' +
        'seconds until all could. `RateLimit-Remaining` and `RateLimit-Reset` say the same.',
      schema: { type: 'string' },
    },
    RateLimitPolicy: {
      description: 'That limit, such as `"user";q=60;w=60`: calls, and in how many seconds. `RateLimit-Limit` too.',
      schema: { type: 'string' },
    },
    RetryAfter: { description: 'Seconds after which a repeat may succeed.', schema: { type: 'integer' } },
  },
  responses: {
    Problem: {
      description: 'The request failed.',
      headers: { ...COMMON_HEADERS, 'Retry-After': { $ref: '#/components/headers/RetryAfter' } },
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  },
};
