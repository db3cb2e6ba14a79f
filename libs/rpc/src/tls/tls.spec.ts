import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Health, HealthCheckResponse_ServingStatus as Status } from '@morag/gen/grpc/health/v1/health_pb.ts';
import { newAuthority, type TestAuthority } from '@morag/testing';
import { startHost } from '../../test/fixture.ts';
import { createServiceTransport } from '../client/service-transport.ts';
import { openTls, type TlsMaterial } from './tls-material.ts';

let folder: string;
let authority: TestAuthority;
const opened: TlsMaterial[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'morag-tls-'));
  authority = await newAuthority(folder);
});
afterEach(() => {
  for (const tls of opened.splice(0)) tls.close();
  rmSync(folder, { recursive: true });
});

async function open(name: string, clientCaFile?: string, from = authority): Promise<TlsMaterial> {
  const tls = await openTls({ ...(await from.issue(name)), caFile: authority.caFile, clientCaFile }, { watchMs: 10 });
  opened.push(tls);
  return tls;
}

/** Whose certificate is shown there. */
async function shownAt(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', ca: authority.ca });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate() as DetailedPeerCertificate;
  socket.destroy();
  return String(subject.CN);
}

const check = (transport: Parameters<typeof createClient>[1]) => createClient(Health, transport).check({});

describe('TLS', () => {
  it('carries every protocol on one port: HTTP/1.1, gRPC, and calls between services', async () => {
    const tls = await open('service');
    const { host, port } = await startHost({}, { tls });
    const baseUrl = `https://127.0.0.1:${port}`;
    const [answer] = (await once(get(`${baseUrl}/livez`, { ca: authority.ca, agent: false }), 'response')) as [
      { statusCode: number },
    ];
    expect(answer.statusCode).toBe(200);
    const grpc = createGrpcTransport({ baseUrl, nodeOptions: { ca: authority.ca } });
    expect(await check(grpc)).toMatchObject({ status: Status.SERVING });
    const service = createServiceTransport({ baseUrl, tls });
    expect(await check(service)).toMatchObject({ status: Status.SERVING });
    service.close();
    await host.stop(0);
  });

  it('shows a renewed certificate without a restart, and keeps the old one while the new one is broken', async () => {
    const tls = await open('old');
    const { host, port } = await startHost({}, { tls });
    expect(await shownAt(port)).toBe('old');
    writeFileSync(join(folder, 'old.crt'), 'no certificate');
    expect(await shownAt(port)).toBe('old');
    const changed = new Promise<void>((resolve) => tls.onChange(resolve));
    const renewed = await authority.issue('new');
    copyFileSync(renewed.certFile, join(folder, 'old.crt'));
    copyFileSync(renewed.keyFile, join(folder, 'old.key'));
    await changed;
    expect(await shownAt(port)).toBe('new');
    await host.stop(0);
  });

  it('lets in only callers with a certificate of the right authority, where that is demanded', async () => {
    const tls = await open('service', authority.caFile);
    const { host, port } = await startHost({}, { tls });
    const baseUrl = `https://127.0.0.1:${port}`;
    const known = createServiceTransport({ baseUrl, tls });
    expect(await check(known)).toMatchObject({ status: Status.SERVING });
    known.close();
    const stranger = createServiceTransport({
      baseUrl,
      tls: await open('stranger', undefined, await newAuthority(folder)),
    });
    await expect(check(stranger)).rejects.toMatchObject({ message: expect.stringContaining('not reachable') });
    stranger.close();
    const anonymous = createGrpcTransport({ baseUrl, nodeOptions: { ca: authority.ca } });
    await expect(check(anonymous)).rejects.toMatchObject({ name: 'ConnectError' });
    await host.stop(0);
  });

  it('answers nothing to clear text, and lives', async () => {
    const { host, port } = await startHost({}, { tls: await open('service') });
    const socket = connectTcp(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
    const answered: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => answered.push(chunk));
    await once(socket, 'close');
    expect(Buffer.concat(answered).toString('latin1')).not.toContain('HTTP/1.1 200');
    expect(await shownAt(port)).toBe('service');
    await host.stop(0);
  });

  it('refuses a certificate and a key that do not fit, at the start', async () => {
    const [one, other] = [await authority.issue('one'), await authority.issue('other')];
    await expect(openTls({ certFile: one.certFile, keyFile: other.keyFile })).rejects.toThrow('key values mismatch');
  });
});
