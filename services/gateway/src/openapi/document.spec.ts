import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { type Contracts, loadContracts } from '../contracts/contracts.ts';
import { bindingsOf } from '../routing/binding.ts';
import { buildOpenApi } from './document.ts';
import { openApiPath } from './operation.ts';

type Json = Record<string, never>;

let contracts: Contracts;
let document: Json;

beforeAll(() => {
  contracts = loadContracts({ comments: true });
  document = JSON.parse(JSON.stringify(buildOpenApi(contracts))) as Json;
});

/** What stands at a path of names in the document. */
function at(...names: string[]): unknown {
  return names.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], document);
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  it('is the one that is committed', () => {
    const path = fileURLToPath(new URL('../../../../docs/openapi.json', import.meta.url));
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(document);
  });

  it('describes every binding, each with an id of its own and a description', () => {
    const ids = new Set<string>();
    for (const binding of contracts.methods.flatMap(bindingsOf)) {
      const operation = at('paths', openApiPath(binding.template), binding.httpMethod.toLowerCase());
      expect(operation).toMatchObject({
        description: expect.stringMatching(/\w/),
        summary: expect.stringMatching(/\w/),
      });
      ids.add((operation as { operationId: string }).operationId);
    }
    expect(ids.size).toBe(contracts.methods.flatMap(bindingsOf).length);
  });

  it('shows operations where they are found', () => {
    expect(at('paths', '/v1/operations', 'get')).toMatchObject({ operationId: 'Operations.ListOperations' });
    expect(at('paths', '/v1/operations/{name}', 'get')).toMatchObject({
      'x-permission': 'databases:read',
      parameters: expect.arrayContaining([expect.objectContaining({ name: 'name', in: 'path' })]),
    });
    expect(at('paths', '/v1/operations/{name}:cancel', 'post')).toMatchObject({ 'x-permission': 'databases:write' });
  });

  it('describes every field and every schema', () => {
    const undescribed: string[] = [];
    for (const [name, schema] of Object.entries(at('components', 'schemas') as Record<string, Json>)) {
      if (schema.description === undefined && !name.startsWith('longrunning')) undescribed.push(name);
      for (const [field, { description }] of Object.entries<Json>(schema.properties ?? {})) {
        if (description === undefined && name.includes('.') && !/^(longrunning|rpc)\./.test(name)) {
          undescribed.push(`${name}.${field}`);
        }
      }
    }
    expect(undescribed).toEqual([]);
  });

  it('leaves out what only services may call', () => {
    expect(JSON.stringify(document)).not.toContain('PurgeOwner');
    expect(JSON.stringify(document)).not.toContain('WatchRevocations');
  });

  it('carries the rules of the fields', () => {
    const server = (field: string) => at('components', 'schemas', 'servers.Server', 'properties', field);
    expect(server('name')).toMatchObject({ type: 'string', minLength: 1, maxLength: 255 });
    expect(server('port')).toMatchObject({ type: 'integer', minimum: 1, maximum: 65535 });
    expect(server('isActive')).toMatchObject({ type: 'boolean', readOnly: true });
    expect(server('password')).toMatchObject({ writeOnly: true });
    expect(server('createTime')).toMatchObject({ type: 'string', format: 'date-time' });
    expect(server('type')).toMatchObject({ $ref: '#/components/schemas/servers.Server.DatabaseType' });
    expect(at('components', 'schemas', 'servers.Server', 'required')).toContain('host');
    expect(at('components', 'schemas', 'servers.Server.Update', 'required')).toBeUndefined();
    expect(at('components', 'schemas', 'servers.Server.DatabaseType', 'enum')).toContain('PGVECTOR');
  });

  it('says who may call, with what, and what comes back', () => {
    const list = at('paths', '/v1/servers', 'get');
    expect(list).toMatchObject({
      'x-permission': 'servers:read',
      responses: { default: { $ref: '#/components/responses/Problem' } },
    });
    const parameters = (list as { parameters: { name?: string; in?: string }[] }).parameters;
    expect(parameters.filter((each) => each.in === 'query').map(({ name }) => name)).toEqual([
      'pageSize',
      'pageToken',
      'filter',
      'orderBy',
    ]);
    expect(at('paths', '/v1/auth/login', 'post', 'security')).toEqual([]);
    expect(at('security')).toEqual([{ bearer: [] }, { apiKey: [] }]);
    expect(Object.keys(at('paths', '/v1/jobs/{job_id}:watch', 'get', 'responses', '200', 'content') as object)).toEqual(
      ['text/event-stream', 'application/x-ndjson'],
    );
    const upload = at('paths', '/v1/databases/{database_id}/documents:upload', 'post', 'requestBody', 'content');
    expect(upload).toMatchObject({
      'multipart/form-data': { schema: { required: ['file'], properties: { file: {}, name: {}, metadata: {} } } },
    });
    expect(JSON.stringify(upload)).not.toContain('"content"');
  });
});
