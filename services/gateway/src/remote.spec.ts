import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { DescService } from '@bufbuild/protobuf';
import type { ConnectRouter, ServiceImpl } from '@connectrpc/connect';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Authenticator } from '@morag/auth';
import { DomainError } from '@morag/errors';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { JobService } from '@morag/gen/morag/documents/v1/job_service_pb.ts';
import { createServiceHost, createServiceTransport, notYetAvailable } from '@morag/rpc';
import { createLogger, createMetrics } from '@morag/telemetry';
import { freePort } from '@morag/testing';
import { buildGateway } from './gateway.ts';
import { KNOWN_ID } from './testing/services.ts';

const logger = createLogger({ level: 'silent', service: 'test' });
const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const authenticator: Authenticator = {
  authenticate(credential) {
    if (credential !== 'good') return Promise.reject(new DomainError('UNAUTHENTICATED', 'No.'));
    const permissions = new Set(['documents:write', 'documents:read', 'jobs:read']);
    return Promise.resolve({ kind: 'user', userId: KNOWN_ID, role: 'USER', permissions, credential });
  },
};

function others<Desc extends DescService>(service: Desc, ...implemented: string[]): Partial<ServiceImpl<Desc>> {
  const names = service.methods.map(({ localName }) => localName).filter((name) => !implemented.includes(name));
  return notYetAvailable(service, names as (keyof Desc['method'] & string)[]) as Partial<ServiceImpl<Desc>>;
}

/** What the service does once it has seen so many bytes; and a promise for that the call has been aborted. */
interface Behaviour {
  readonly onBytes?: (bytes: number) => void;
  readonly onAbort?: () => void;
}

function documents({ onBytes, onAbort }: Behaviour) {
  return (router: ConnectRouter): void => {
    router.service(DocumentService, {
      ...others(DocumentService, 'uploadDocument'),
      async uploadDocument(requests, { signal }) {
        signal.addEventListener('abort', () => onAbort?.());
        let size = 0;
        let name = '';
        for await (const request of requests) {
          name ||= request.name;
          size += request.content.length;
          onBytes?.(size);
        }
        return { id: KNOWN_ID, name, sizeBytes: BigInt(size) };
      },
    });
    router.service(JobService, {
      ...others(JobService, 'watchJob'),
      async *watchJob({ jobId }, { signal }) {
        yield { job: { id: jobId, percentage: 1 } };
        if (!signal.aborted) await once(signal, 'abort');
        onAbort?.();
      },
    });
  };
}

/** A service and a gateway, each on a port of its own. */
async function start(behaviour: Behaviour = {}): Promise<number> {
  const host = createServiceHost({
    name: 'documents',
    host: '127.0.0.1',
    port: 0,
    descriptors: [DocumentService, JobService],
    routes: documents(behaviour),
    authenticator,
    logger,
    metrics: createMetrics({ service: 'documents' }),
    readiness: () => Promise.resolve({}),
  });
  const { port } = await host.start();
  stops.push(() => host.stop(100));
  return startGateway(port);
}

async function startGateway(documentsPort: number): Promise<number> {
  const transport = createServiceTransport({ baseUrl: `http://127.0.0.1:${documentsPort}` });
  const gateway = await buildGateway(
    { listen: { host: '127.0.0.1', port: 0 }, corsOrigins: [], uploadBytesMax: 50_000_000 },
    { transports: { documents: transport }, logger, metrics: createMetrics({ service: 'gateway' }) },
  );
  const { port } = await gateway.start();
  stops.unshift(() => gateway.stop(100).then(() => transport.close()));
  return port;
}

const headers = { authorization: 'Bearer good' };

function upload(port: number, bytes: number): Promise<Response> {
  const body = new FormData();
  body.append('file', new Blob([Buffer.alloc(bytes, 'x')]), 'a.txt');
  return fetch(`http://127.0.0.1:${port}/v1/databases/${KNOWN_ID}/documents:upload`, { method: 'POST', body, headers });
}

describe('over a network', () => {
  it('an upload arrives whole', async () => {
    const response = await upload(await start(), 10_000_000);
    expect(await response.json()).toMatchObject({ id: KNOWN_ID, name: 'a.txt', sizeBytes: '10000000' });
  });

  it('a refusal in the middle of an upload is the answer', async () => {
    const onBytes = (bytes: number): void => {
      if (bytes > 2_000_000) throw new DomainError('UNSUPPORTED_FILE_TYPE', 'Not a type that can be read.');
    };
    const response = await upload(await start({ onBytes }), 20_000_000);
    expect(await response.json()).toMatchObject({ status: 400, type: 'urn:morag:error:UNSUPPORTED_FILE_TYPE' });
  });

  it('a refusal before an upload is the answer too', async () => {
    const port = await start();
    const body = new FormData();
    body.append('file', new Blob([Buffer.alloc(5_000_000)]), 'a.txt');
    const url = `http://127.0.0.1:${port}/v1/databases/${KNOWN_ID}/documents:upload`;
    const response = await fetch(url, { method: 'POST', body, headers: { authorization: 'Bearer bad' } });
    expect(await response.json()).toMatchObject({ status: 401 });
  });

  it('the rules of the fields are held where the service is, and named', async () => {
    const port = await start();
    const response = await fetch(`http://127.0.0.1:${port}/v1/jobs/no-uuid:watch`, { headers });
    expect(await response.json()).toMatchObject({ status: 400, violations: [{ field: 'jobId' }] });
  });

  it('a client that leaves ends the call, of an upload and of a stream', async () => {
    const aborted = Promise.withResolvers<void>();
    const port = await start({ onAbort: aborted.resolve });
    const request = httpRequest({ host: '127.0.0.1', port, path: `/v1/jobs/${KNOWN_ID}:watch`, headers });
    request.on('error', () => {});
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    await once(response, 'data');
    request.destroy();
    await aborted.promise;

    const gone = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const other = await start({ onAbort: gone.resolve, onBytes: (bytes) => bytes > 0 && arrived.resolve() });
    const sending = httpRequest({
      host: '127.0.0.1',
      port: other,
      method: 'POST',
      path: `/v1/databases/${KNOWN_ID}/documents:upload`,
      headers: { ...headers, 'content-type': 'multipart/form-data; boundary=cut' },
    });
    sending.on('error', () => {});
    sending.write('--cut\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n');
    sending.write(Buffer.alloc(3_000_000));
    await arrived.promise;
    sending.destroy();
    await expect(gone.promise).resolves.toBeUndefined();
  });

  it('a service that is away is UNAVAILABLE, and the gateway not ready', async () => {
    const port = await startGateway(await freePort());
    const response = await fetch(`http://127.0.0.1:${port}/v1/jobs`, { headers });
    expect(await response.json()).toMatchObject({ status: 503, type: 'urn:morag:error:UNAVAILABLE' });
    const failed = await upload(port, 3_000_000);
    expect(await failed.json()).toMatchObject({ status: 503, type: 'urn:morag:error:UNAVAILABLE' });
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(503);
  });
});
