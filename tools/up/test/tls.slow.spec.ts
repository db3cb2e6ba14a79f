import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, type Installation, newAuthority, newInstallation, type TestAuthority } from '@morag/testing';

let folder: string;
let authority: TestAuthority;
let installation: Installation;
let certFile: string;
let keyFile: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'morag-tls-'));
  authority = await newAuthority(folder);
  ({ certFile, keyFile } = await authority.issue('morag'));
  installation = await newInstallation({
    MORAG_PROCESSES: 'separate',
    MORAG_TLS_CERT_FILE: certFile,
    MORAG_TLS_KEY_FILE: keyFile,
    MORAG_TLS_CA_FILE: authority.caFile,
    MORAG_TLS_CLIENT_CA_FILE: authority.caFile,
  });
  await installation.start();
}, 120_000);

afterAll(async () => {
  await installation?.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function call<T>(method: string, path: string, body?: object, token?: string) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const options = { host: '127.0.0.1', port: installation.ports.gateway, method, path, headers, ca: authority.ca };
  const sent = request({ ...options, agent: false });
  sent.end(body && JSON.stringify(body));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: (await json(response)) as T };
}

async function token(): Promise<string> {
  const credentials = JSON.parse(readFileSync(join(installation.folder, 'credentials.json'), 'utf8')) as object;
  const { email, password } = credentials as { email: string; password: string };
  return (await call<{ accessToken: string }>('POST', '/v1/auth/login', { email, password })).body.accessToken;
}

const grpcurl = (...args: string[]): Promise<string> =>
  promisify(execFile)('grpcurl', [
    '-connect-timeout',
    '3',
    ...args,
    `127.0.0.1:${installation.ports.servers}`,
    'list',
  ]).then(({ stdout }) => stdout);

describe('a system that speaks TLS, with services that demand certificates of each other', () => {
  it('serves REST through the gateway, which calls every service', async () => {
    const { status, headers, body } = await call<{ servers: unknown[] }>(
      'GET',
      '/v1/servers',
      undefined,
      await token(),
    );
    expect(status).toBe(200);
    expect(headers['strict-transport-security']).toContain('max-age=');
    expect(body.servers).toHaveLength(1);
    expect((await call('GET', '/v1/documents', undefined, await token())).status).toBe(200);
  });

  it('lets grpcurl in with a certificate, and nobody without', async () => {
    const known = ['-cacert', authority.caFile, '-cert', certFile, '-key', keyFile];
    expect(await grpcurl(...known)).toContain('morag.servers.v1.ServerService');
    await expect(grpcurl('-cacert', authority.caFile)).rejects.toThrow('Failed to');
    await expect(grpcurl('-plaintext')).rejects.toThrow('Failed to');
  });

  it('shows a renewed certificate everywhere without a restart', async () => {
    const renewed = await authority.issue('renewed');
    copyFileSync(renewed.certFile, certFile);
    copyFileSync(renewed.keyFile, keyFile);
    for (const port of [installation.ports.gateway, installation.ports.servers]) {
      await eventually(async () => {
        const socket = connect({ port, host: '127.0.0.1', ca: authority.ca, ...readPair() });
        await once(socket, 'secureConnect');
        const { subject } = socket.getPeerCertificate();
        socket.destroy();
        expect(subject.CN).toBe('renewed');
      });
    }
    expect((await call('GET', '/v1/servers', undefined, await token())).status).toBe(200);
  });

  it('stops in order', async () => {
    expect(await installation.stop()).toBe(0);
  });
});

function readPair() {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
}
