import { describe, expect, it } from '@jest/globals';
import { indexHost } from './pinecone.host.ts';

const origin = { vendor: 'pinecone', operation: 'query' } as const;
const cloud = { host: 'api.pinecone.io', tls: 'VERIFY' } as const;
const local = { host: '127.0.0.1', tls: 'DISABLED' } as const;
const options = { indexDomains: ['pinecone.io'] };

describe('indexHost', () => {
  it.each([
    [cloud, 'docs-1a2b.svc.aped-1.pinecone.io', { host: 'docs-1a2b.svc.aped-1.pinecone.io', port: 443 }],
    [cloud, 'https://docs-1a2b.svc.pinecone.io:8443/', { host: 'docs-1a2b.svc.pinecone.io', port: 8443 }],
    [local, 'http://127.0.0.1:5081', { host: '127.0.0.1', port: 5081 }],
    [local, '127.0.0.1', { host: '127.0.0.1', port: 80 }],
    [{ host: '::1', tls: 'DISABLED' } as const, '[::1]:5081', { host: '::1', port: 5081 }],
  ])('by a registration at %j takes %s', (settings, described, expected) => {
    expect(indexHost(described, settings, options, origin)).toMatchObject(expected);
  });

  it.each([
    [cloud, 'http://docs.svc.pinecone.io'],
    [cloud, 'docs.svc.pinecone.io.evil.example'],
    [cloud, 'evilpinecone.io'],
    [cloud, 'pinecone.io'],
    [cloud, '169.254.169.254'],
    [cloud, 'key@docs.svc.pinecone.io'],
    [cloud, 'docs.svc.pinecone.io/path'],
    [cloud, 'evil.example\\.pinecone.io'],
    [cloud, ''],
    [local, 'https://127.0.0.1:5081'],
    [local, '127.0.0.2:5081'],
    [local, 'localhost:5081'],
  ])('by a registration at %j denies %j', (settings, described) => {
    expect(() => indexHost(described, settings, options, origin)).toThrow(
      expect.objectContaining({ category: 'host_denied' }),
    );
  });
});
