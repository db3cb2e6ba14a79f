import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestGateway, type TestGateway } from '../testing/gateway.ts';

let test: TestGateway;
let serving = true;

beforeAll(async () => {
  test = await createTestGateway({ isServing: () => serving });
});
afterAll(() => test.gateway.stop());

const get = (url: string) => test.gateway.app.inject({ method: 'GET', url });

it('shows the way at its root', async () => {
  expect((await get('/')).json()).toMatchObject({ name: 'MoRAG', links: { docs: '/docs', openapi: '/openapi.json' } });
});

describe('the probes', () => {
  it('say that the gateway lives, and whether all services behind it serve', async () => {
    expect((await get('/livez')).json()).toEqual({ live: true });
    expect((await get('/readyz')).json()).toEqual({
      ready: true,
      service: 'gateway',
      checks: { identity: true, servers: true, documents: true },
      failed: [],
    });
    serving = false;
    const { statusCode, body } = await get('/readyz');
    serving = true;
    expect(statusCode).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ ready: false, failed: ['identity', 'servers', 'documents'] });
  });

  it('count requests by route, never by path', async () => {
    await get('/v1/servers/some-path');
    const { body, headers } = await get('/metrics');
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(body).toContain('route="GET /v1/servers/{server_id}",status="404"');
    expect(body).not.toContain('some-path');
  });
});

describe('the docs', () => {
  it('load nothing from elsewhere, and allow no script but their own', async () => {
    const { body, headers } = await get('/docs');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("script-src 'self'");
    expect(body).not.toMatch(/https?:|<script>|onload/);
    const links = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) expect((await get(link)).statusCode).toBe(200);
  });

  it('serve no other file', async () => {
    for (const path of ['package.json', '..%2fpackage.json', '%2e%2e%2findex.js', 'swagger-ui.css.map']) {
      expect((await get(`/docs/${path}`)).statusCode).toBe(404);
    }
  });

  it('come with the contract', async () => {
    expect((await get('/openapi.json')).json()).toMatchObject({ openapi: '3.1.0' });
    expect((await test.gateway.app.inject({ method: 'POST', url: '/openapi.json' })).statusCode).toBe(405);
  });
});
