import { once } from 'node:events';
import { create, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DomainError } from '@morag/errors';
import { ErrorInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '@morag/gen/google/rpc/status_pb.ts';
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from '@morag/gen/grpc/health/v1/health_pb.ts';
import { ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { GetServerRequestSchema } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { type HostFixture, SERVER_ID, startHost } from '../../test/fixture.ts';

const GET_SERVER = '/morag.servers.v1.ServerService/GetServer';
const TEXT = 'serverId: "ä" is 100% wrong; see /docs?a=b&c=d+e,f@g#h $';

let fixture: HostFixture;
let client: Client;
const aborted = Promise.withResolvers<unknown>();

beforeAll(async () => {
  fixture = await startHost({
    record: { async *exportRecords() {} },
    server: {
      async getServer({ serverId }, { signal, requestHeader }) {
        if (requestHeader.has('x-fail')) throw new DomainError('SERVER_NOT_FOUND', TEXT);
        if (requestHeader.has('x-wait')) {
          signal.addEventListener('abort', () => aborted.resolve(signal.reason));
          await aborted.promise;
        }
        return create(ServerSchema, { id: serverId, name: 'x'.repeat(5_000) });
      },
    },
  });
  client = new Client(`127.0.0.1:${fixture.port}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await fixture.host.stop();
});

/** A unary call as a client in another language makes it. */
function unary<I extends Message, O extends Message>(
  path: string,
  [input, output]: [GenMessage<I>, GenMessage<O>],
  message: I,
  { header = {}, deadlineMs = 5_000 }: { header?: Record<string, string>; deadlineMs?: number } = {},
): Promise<O> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(header)) metadata.set(name, value);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      (value: I) => Buffer.from(toBinary(input, value)),
      (bytes: Buffer) => fromBinary(output, bytes),
      message,
      metadata,
      { deadline: Date.now() + deadlineMs },
      (error, value) => (error ? reject(error) : resolve(value as O)),
    );
  });
}

const getServer = (header: Record<string, string> = {}, deadlineMs?: number) =>
  unary(GET_SERVER, [GetServerRequestSchema, ServerSchema], create(GetServerRequestSchema, { serverId: SERVER_ID }), {
    header: { authorization: 'Bearer admin', ...header },
    deadlineMs,
  });

const failure = (call: Promise<unknown>): Promise<ServiceError> =>
  call.then(
    () => Promise.reject(new Error('the call succeeded')),
    (error: ServiceError) => error,
  );

describe('@grpc/grpc-js as client', () => {
  it('calls a method', async () => {
    expect(await getServer()).toMatchObject({ id: SERVER_ID });
  });

  it('reads the text of an error as it was written', async () => {
    const error = await failure(getServer({ 'x-fail': '1' }));
    expect(error).toMatchObject({ code: status.NOT_FOUND, details: TEXT });
  });

  it('reads the reason from the status details', async () => {
    const error = await failure(getServer({ 'x-fail': '1' }));
    const [bytes] = error.metadata.get('grpc-status-details-bin');
    const { details, message } = fromBinary(StatusSchema, bytes as Buffer);
    const [info] = details.map((any) => anyUnpack(any, ErrorInfoSchema)).filter((each) => each !== undefined);
    expect(message).toBe(TEXT);
    expect(info).toMatchObject({ reason: 'SERVER_NOT_FOUND', domain: 'morag' });
  });

  it('reads the text of a call that was refused before it was dispatched', async () => {
    const broken = { ...GetServerRequestSchema };
    const call = new Promise((resolve, reject) => {
      const metadata = new Metadata();
      client.makeUnaryRequest(
        GET_SERVER,
        () => Buffer.from([0xff]),
        Buffer.from,
        broken,
        metadata,
        (error, value) => (error ? reject(error) : resolve(value)),
      );
    });
    const error = await failure(call);
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.details).toMatch(/^The message is not readable: /);
    expect(error.metadata.get('grpc-status-details-bin')).toHaveLength(1);
  });

  it.each([
    ['that does not parse', Buffer.from([0xff])],
    ['that is JSON', Buffer.from('{}')],
  ])('is refused with the message of a stream %s', async (_, bytes) => {
    const stream = client.makeServerStreamRequest(
      '/morag.servers.v1.RecordService/ExportRecords',
      () => bytes,
      Buffer.from,
      {},
      Metadata.fromHttp2Headers({ authorization: 'Bearer admin' }),
    );
    const [error] = (await once(stream, 'error')) as [ServiceError];
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.metadata.get('grpc-status-details-bin')).toHaveLength(1);
  });

  it('lets the handler see its deadline pass', async () => {
    const error = await failure(getServer({ 'x-wait': '1' }, 2_000));
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
    expect(await aborted.promise).toBeInstanceOf(Error);
  });

  it('checks the health', async () => {
    const check = (service: string) =>
      unary(
        '/grpc.health.v1.Health/Check',
        [HealthCheckRequestSchema, HealthCheckResponseSchema],
        create(HealthCheckRequestSchema, { service }),
      );
    const { SERVING } = HealthCheckResponse_ServingStatus;
    expect((await check('')).status).toBe(SERVING);
    expect((await check('morag.servers.v1.ServerService')).status).toBe(SERVING);
    expect((await failure(check('morag.Nope'))).code).toBe(status.NOT_FOUND);
  });
});
