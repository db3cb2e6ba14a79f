import { create, createFileRegistry, type DescService } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { type ConnectRouter, createClient } from '@connectrpc/connect';
import { describe, expect, it } from '@jest/globals';
import { reasonOf } from '@morag/errors';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { createLogger, createMetrics } from '@morag/telemetry';
import { as, fakeAuthenticator, routesOf, SERVER_ID, startHost } from '../../test/fixture.ts';
import { notYetAvailable } from '../not-yet-available.ts';
import { createServiceHost, type ServiceHostOptions } from './service-host.ts';

const options: ServiceHostOptions = {
  name: 'test',
  host: '127.0.0.1',
  port: 0,
  descriptors: [ServerService, RecordService],
  routes: routesOf({}),
  authenticator: fakeAuthenticator,
  logger: createLogger({ level: 'silent', service: 'test' }),
  metrics: createMetrics({ service: 'test' }),
  readiness: async () => ({}),
};

/** A service whose contract says nothing of who may call it. */
function unguardedService(): DescService {
  const file = create(FileDescriptorProtoSchema, {
    name: 'a.proto',
    package: 'a',
    syntax: 'proto3',
    messageType: [{ name: 'Message' }],
    service: [{ name: 'Unguarded', method: [{ name: 'Go', inputType: '.a.Message', outputType: '.a.Message' }] }],
  });
  const service = createFileRegistry(file, () => undefined).getService('a.Unguarded');
  if (!service) throw new Error('the service was not made');
  return service;
}

const build = (changes: Partial<ServiceHostOptions>) => () =>
  createServiceHost({ ...options, metrics: createMetrics({ service: 'test' }), ...changes });

describe('a host does not start', () => {
  it('with a method that has no handler', () => {
    const routes = (router: ConnectRouter): void => void router.service(ServerService, {});
    expect(build({ routes })).toThrow(
      'morag.servers.v1.ServerService/CreateServer has no handler; write one or list it in notYetAvailable',
    );
  });

  it('with a method that does not say who may call it', () => {
    const unguarded = unguardedService();
    const routes = (router: ConnectRouter): void =>
      void router.service(unguarded, notYetAvailable(unguarded, ['go' as never]));
    expect(build({ routes, descriptors: [unguarded] })).toThrow(/^a\.Unguarded\/Go .*morag\.options\.v1\.access/);
  });

  it('with a service that was named and not registered, or the other way round', () => {
    expect(build({ descriptors: [ServerService, RecordService, unguardedService()] })).toThrow(/access/);
    expect(build({ descriptors: [ServerService] })).toThrow('descriptors and routes differ');
  });

  it('with options of a single service, which would replace the interceptors', () => {
    const routes = (router: ConnectRouter): void => void router.service(ServerService, {}, { interceptors: [] });
    expect(build({ routes })).toThrow('morag.servers.v1.ServerService is registered with options of its own');
  });

  it('with a single method of a service', () => {
    const routes = (router: ConnectRouter): void => {
      router.rpc(ServerService.method.getServer, () => ({}));
    };
    expect(build({ routes })).toThrow('register whole services');
  });
});

describe('a host', () => {
  it('serves in process without listening', async () => {
    const host = build({})();
    const call = createClient(ServerService, host.transport()).getServer({ serverId: SERVER_ID }, as('admin'));
    expect(reasonOf(await call.catch((error: unknown) => error))).toBe('NOT_YET_AVAILABLE');
    await host.stop();
  });

  it('refuses to start where another listens', async () => {
    const first = await startHost();
    await expect(build({ port: first.port })().start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await first.host.stop();
  });

  it('is ready only while it says that it serves and its checks hold', async () => {
    let database = true;
    const { host, baseUrl } = await startHost({}, { readiness: async () => ({ database }) });
    const failed = async () => ((await (await fetch(`${baseUrl}/readyz`)).json()) as { failed: string[] }).failed;
    expect(await failed()).toEqual([]);
    host.setServing(false);
    database = false;
    expect(await failed()).toEqual(['serving', 'database']);
    await host.stop();
  });

  it.each([
    ['fails', () => Promise.reject(new Error('secret'))],
    ['hangs', () => new Promise<never>(() => {})],
  ])('is not ready when its check %s', async (_, readiness) => {
    const { host, baseUrl } = await startHost({}, { readiness });
    const response = await fetch(`${baseUrl}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ ready: false, failed: ['checks'] });
    await host.stop();
  });
});
