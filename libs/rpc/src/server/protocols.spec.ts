import { once } from 'node:events';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DomainError, reasonOf, violationsOf } from '@morag/errors';
import { RequestInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { Server_DatabaseType, ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { as, type HostFixture, SERVER_ID, startHost } from '../../test/fixture.ts';
import { requestIdKey } from '../call-context.ts';
import { createServiceTransport } from '../client/service-transport.ts';

let fixture: HostFixture;
let sawCancel: () => void;

beforeAll(async () => {
  fixture = await startHost(
    {
      server: {
        getServer: ({ serverId }, { values }) => create(ServerSchema, { id: serverId, name: values.get(requestIdKey) }),
        listServers() {
          throw new DomainError('SERVER_INACTIVE', 'The server "ä: 100%?" has not been tested.', {
            metadata: { server: 'a' },
          });
        },
        deleteServer() {
          throw new TypeError('secret: cannot read properties of undefined');
        },
        createServer: ({ server }) => create(ServerSchema, { name: server?.name }),
        async *watchHealth(_, { signal }) {
          try {
            yield {};
            if (!signal.aborted) await once(signal, 'abort');
          } finally {
            sawCancel();
          }
        },
      },
      record: {
        async importRecords(requests) {
          let upserted = 0;
          for await (const { records } of requests) upserted += records.length;
          return { upserted };
        },
        async *exportRecords({ cursor }) {
          if (cursor === 'fail at once') throw new DomainError('DATABASE_NOT_FOUND', 'No such database.');
          yield { records: [{ id: 'a' }] };
          if (cursor === 'fail later') throw new DomainError('RECORD_REFUSED', 'Refused.');
          if (cursor === 'crash later') throw new Error('secret');
          yield { records: [{ id: 'b' }] };
        },
      },
    },
    { limits: { messageBytesMax: 100_000 } },
  );
});
afterAll(() => fixture.host.stop());

const transports: [string, () => Transport][] = [
  ['in process', () => fixture.host.transport()],
  ['service transport', () => createServiceTransport({ baseUrl: fixture.baseUrl })],
  ['Connect JSON, HTTP/1.1', () => createConnectTransport({ ...over('1.1'), useBinaryFormat: false })],
  ['Connect binary, HTTP/2', () => createConnectTransport(over('2'))],
  ['gRPC', () => createGrpcTransport(over('2'))],
  ['gRPC-Web, HTTP/1.1', () => createGrpcWebTransport(over('1.1'))],
  ['gRPC-Web, HTTP/2', () => createGrpcWebTransport(over('2'))],
];

function over<Version extends '1.1' | '2'>(httpVersion: Version): { baseUrl: string; httpVersion: Version } {
  return { baseUrl: fixture.baseUrl, httpVersion };
}

describe.each(transports)('over %s', (_, transport) => {
  const servers = () => createClient(ServerService, transport());
  const records = () => createClient(RecordService, transport());
  const failure = (call: Promise<unknown>): Promise<ConnectError> =>
    call.then(
      () => Promise.reject(new Error('the call succeeded')),
      (error: unknown) => ConnectError.from(error),
    );

  it('calls a method, and echoes its request id', async () => {
    let header = new Headers();
    const { headers } = as('admin');
    const server = await servers().getServer(
      { serverId: SERVER_ID },
      { headers: { ...headers, 'x-request-id': 'my-id:1' }, onHeader: (h) => (header = h) },
    );
    expect(server).toMatchObject({ id: SERVER_ID, name: 'my-id:1' });
    expect(header.get('x-request-id')).toBe('my-id:1');
  });

  it('refuses a call without a credential', async () => {
    const error = await failure(servers().getServer({ serverId: SERVER_ID }));
    expect(error.code).toBe(Code.Unauthenticated);
    expect(reasonOf(error)).toBe('UNAUTHENTICATED');
  });

  it('refuses a caller without the permission, and names it', async () => {
    const error = await failure(servers().createServer({}, as('viewer')));
    expect(reasonOf(error)).toBe('PERMISSION_DENIED');
    expect(error.rawMessage).toContain('servers:write');
  });

  it('refuses an invalid message, and names the field', async () => {
    const error = await failure(servers().getServer({ serverId: 'x' }, as('admin')));
    expect(reasonOf(error)).toBe('INVALID_ARGUMENT');
    expect(violationsOf(error)).toEqual([{ field: 'serverId', description: expect.stringContaining('UUID') }]);
  });

  it('carries the text and the request id of an error', async () => {
    const error = await failure(servers().listServers({}, as('admin')));
    expect(error).toMatchObject({
      code: Code.FailedPrecondition,
      rawMessage: 'The server "ä: 100%?" has not been tested.',
    });
    const requestId = error.findDetails(RequestInfoSchema)[0]?.requestId;
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(error.metadata.get('x-request-id')).toBe(requestId);
  });

  it('tells nothing of a bug', async () => {
    const error = await failure(servers().deleteServer({ serverId: SERVER_ID }, as('admin')));
    expect(error).toMatchObject({ code: Code.Internal, rawMessage: 'internal error' });
    expect(reasonOf(error)).toBe('INTERNAL');
  });

  it('says of a method of a later version that it is one, whatever the message', async () => {
    const error = await failure(servers().updateServer({}, as('admin')));
    expect(error.code).toBe(Code.Unimplemented);
    expect(reasonOf(error)).toBe('NOT_YET_AVAILABLE');
  });

  it('refuses a message over the limit', async () => {
    const server = { name: 'x'.repeat(200_000), type: Server_DatabaseType.CHROMA, host: 'h', port: 1 };
    const error = await failure(servers().createServer({ server }, as('admin')));
    expect(reasonOf(error)).toBe('BODY_TOO_LARGE');
    expect(error.findDetails(RequestInfoSchema)).toHaveLength(1);
  });

  it('streams to the client', async () => {
    const ids: string[] = [];
    for await (const message of records().exportRecords({ databaseId: SERVER_ID }, as('admin'))) {
      ids.push(...message.records.map(({ id }) => id));
    }
    expect(ids).toEqual(['a', 'b']);
  });

  it.each([
    ['fail at once', 0, 'DATABASE_NOT_FOUND'],
    ['fail later', 1, 'RECORD_REFUSED'],
    ['crash later', 1, 'INTERNAL'],
  ])('maps errors inside a stream: %s', async (cursor, count, reason) => {
    let received = 0;
    const read = async (): Promise<void> => {
      for await (const _message of records().exportRecords({ databaseId: SERVER_ID, cursor }, as('admin')))
        received += 1;
    };
    const error = await failure(read());
    expect(reasonOf(error)).toBe(reason);
    expect(error.rawMessage).not.toContain('secret');
    expect(received).toBe(count);
  });

  it('validates the message of a stream', async () => {
    const read = async (): Promise<void> => {
      for await (const _message of records().exportRecords({ databaseId: 'x' }, as('admin'))) expect(true).toBe(false);
    };
    expect(reasonOf(await failure(read()))).toBe('INVALID_ARGUMENT');
  });

  it('lets the handler know that the client left', async () => {
    const cancelled = new Promise<void>((resolve) => {
      sawCancel = resolve;
    });
    const leave = new AbortController();
    const watching = (async () => {
      for await (const _message of servers().watchHealth({}, { ...as('admin'), signal: leave.signal })) leave.abort();
    })();
    expect((await failure(watching)).code).toBe(Code.Canceled);
    await cancelled;
  });
});

describe.each(transports.filter(([name]) => !name.startsWith('gRPC-Web')))('over %s', (_, transport) => {
  it('streams from the client', async () => {
    async function* requests() {
      yield { databaseId: SERVER_ID, records: [{ id: 'a', vector: [1] }] };
      yield { records: [{ id: 'b', vector: [1] }] };
    }
    const client = createClient(RecordService, transport());
    expect((await client.importRecords(requests(), as('admin'))).upserted).toBe(2);
  });
});
