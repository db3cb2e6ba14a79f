import { describe, expect, it } from '@jest/globals';
import type { Project } from '../projects.ts';
import { violationsOf } from './rules.ts';

const project = (name: string, type: string, folder: string, uses: string[] = []): Project => ({
  name: `@morag/${name}`,
  type,
  folder,
  uses: uses.map((used) => `@morag/${used}`),
});

const gen = project('gen', 'contract', 'libs/gen');
const rpc = project('rpc', 'lib', 'libs/rpc', ['gen', 'servers']);
const chroma = project('chroma', 'connector', 'libs/connectors/chroma', ['gen', 'pgvector', 'rpc']);
const pgvector = project('pgvector', 'connector', 'libs/connectors/pgvector');
const servers = project('servers', 'service', 'services/servers', ['gen', 'rpc', 'documents']);
const documents = project('documents', 'service', 'services/documents', ['gen']);
const gateway = project('gateway', 'gateway', 'services/gateway', ['gen', 'rpc', 'chroma']);
const up = project('up', 'tool', 'tools/up', ['servers', 'chroma']);

const byName = new Map(
  [gen, rpc, chroma, pgvector, servers, documents, gateway, up].map((entry) => [entry.name, entry]),
);
const check = (from: Project, path: string, specifier: string): string[] =>
  violationsOf({ project: from, path: `${from.folder}/${path}`, specifier }, byName);

describe('layers', () => {
  it.each<[Project, string]>([
    [rpc, '@morag/gen/morag/errors/v1/reason_pb.ts'],
    [servers, '@morag/rpc'],
    [gateway, '@morag/rpc'],
    [up, '@morag/servers'],
    [up, '@morag/chroma'],
  ])('%j may import %s', (from, specifier) => {
    expect(check(from, 'src/index.ts', specifier)).toEqual([]);
  });

  it.each<[Project, string, string]>([
    [rpc, '@morag/servers', 'a lib must not use a service'],
    [servers, '@morag/documents', 'a service must not use a service'],
    [chroma, '@morag/pgvector', 'a connector must not use a connector'],
    [gateway, '@morag/chroma', 'a gateway must not use a connector'],
  ])('%j may not import %s', (from, specifier, why) => {
    expect(check(from, 'src/index.ts', specifier)).toEqual([why]);
  });

  it('wants every package that is used in the manifest', () => {
    expect(check(documents, 'src/index.ts', '@morag/rpc')).toEqual(['@morag/rpc is not in its package.json']);
    expect(check(documents, 'src/index.ts', '@morag/absent')).toEqual(['there is no such package']);
  });
});

describe('inside a package', () => {
  it('keeps relative imports in the package', () => {
    expect(check(rpc, 'src/host/host.ts', '../index.ts')).toEqual([]);
    expect(check(rpc, 'src/host/host.ts', '../../../errors/src/index.ts')).toEqual([
      'a relative import must stay in its package',
    ]);
  });

  it('keeps transport out of use cases and storage out of handlers', () => {
    const useCase = 'src/modules/server/create-server.ts';
    const handlers = 'src/modules/server/server.handlers.ts';
    expect(check(servers, useCase, '@connectrpc/connect')).toEqual([expect.stringMatching('no transport')]);
    expect(check(servers, handlers, '@connectrpc/connect')).toEqual([]);
    expect(check(servers, 'src/modules/server/server.handlers.spec.ts', '@connectrpc/connect')).toEqual([]);
    expect(check(servers, handlers, 'pg')).toEqual([expect.stringMatching('a handler translates')]);
    expect(check(servers, useCase, 'pg')).toEqual([]);
  });

  it('keeps storage and transport out of connectors', () => {
    expect(check(chroma, 'src/index.ts', '@mikro-orm/core')).toHaveLength(1);
    expect(check(chroma, 'src/index.ts', '@morag/rpc')).toHaveLength(1);
    expect(check(chroma, 'src/index.ts', 'chromadb')).toEqual([]);
  });
});
