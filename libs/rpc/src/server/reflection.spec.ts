import { create, createFileRegistry, fromBinary, getOption } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { http } from '@morag/gen/google/api/annotations_pb.ts';
import * as v1 from '@morag/gen/grpc/reflection/v1/reflection_pb.ts';
import * as v1alpha from '@morag/gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { access } from '@morag/gen/morag/options/v1/options_pb.ts';
import { type HostFixture, startHost } from '../../test/fixture.ts';

let fixture: HostFixture;

beforeAll(async () => {
  fixture = await startHost();
});
afterAll(() => fixture.host.stop());

type Query = v1.ServerReflectionRequest['messageRequest'];
type Answer = v1.ServerReflectionResponse['messageResponse'];

const transport = () => createGrpcTransport({ baseUrl: fixture.baseUrl });

const versions: [string, (...queries: Query[]) => Promise<Answer[]>][] = [
  [
    'v1',
    async (...queries) => {
      const requests = queries.map((messageRequest) => create(v1.ServerReflectionRequestSchema, { messageRequest }));
      const client = createClient(v1.ServerReflection, transport());
      const answers = await collect(client.serverReflectionInfo(listOf(requests)));
      return answers.map(({ messageResponse }) => messageResponse);
    },
  ],
  [
    'v1alpha',
    async (...queries) => {
      const requests = queries.map((messageRequest) =>
        create(v1alpha.ServerReflectionRequestSchema, { messageRequest: messageRequest as never }),
      );
      const client = createClient(v1alpha.ServerReflection, transport());
      const answers = await collect(client.serverReflectionInfo(listOf(requests)));
      return answers.map(({ messageResponse }) => messageResponse as Answer);
    },
  ],
];

async function collect<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const message of messages) result.push(message);
  return result;
}

async function* listOf<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}

function filesOf(answer: Answer | undefined) {
  if (answer?.case !== 'fileDescriptorResponse') throw new Error(`not a file: ${JSON.stringify(answer?.value)}`);
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

/** Each file after those that it imports. */
function inOrder([root, ...others]: FileDescriptorProto[], done: FileDescriptorProto[] = []): FileDescriptorProto[] {
  for (const path of root?.dependency ?? []) {
    const imported = others.find(({ name }) => name === path);
    if (imported && !done.includes(imported)) inOrder([imported, ...others], done);
  }
  if (root) done.push(root);
  return done;
}

describe.each(versions)('reflection %s', (_, ask) => {
  it('lists every service, its own included', async () => {
    const [answer] = await ask({ case: 'listServices', value: '' });
    expect(answer).toMatchObject({
      case: 'listServicesResponse',
      value: {
        service: [
          { name: 'grpc.health.v1.Health' },
          { name: 'grpc.reflection.v1.ServerReflection' },
          { name: 'grpc.reflection.v1alpha.ServerReflection' },
          { name: 'morag.servers.v1.RecordService' },
          { name: 'morag.servers.v1.ServerService' },
        ],
      },
    });
  });

  it.each([
    'morag.servers.v1.ServerService',
    'morag.servers.v1.ServerService.GetServer',
    'morag.servers.v1.GetServerRequest',
    'morag.servers.v1.GetServerRequest.server_id',
  ])('finds the file of %s and all that it imports', async (symbol) => {
    const [answer] = await ask({ case: 'fileContainingSymbol', value: symbol });
    const names = filesOf(answer).map(({ name }) => name);
    expect(names[0]).toBe('morag/servers/v1/server_service.proto');
    expect(names).toEqual(
      expect.arrayContaining(['google/api/http.proto', 'buf/validate/validate.proto', 'morag/servers/v1/server.proto']),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it.each([
    ['morag.servers.v1.Server.DatabaseType', 'morag/servers/v1/server.proto'],
    ['morag.servers.v1.Server.CHROMA', 'morag/servers/v1/server.proto'],
    ['google.api.http', 'google/api/annotations.proto'],
    ['google.api.HttpRule.pattern', 'google/api/http.proto'],
    ['google.rpc.ErrorInfo', 'google/rpc/error_details.proto'],
  ])('finds the file of %s', async (symbol, file) => {
    const [answer] = await ask({ case: 'fileContainingSymbol', value: symbol });
    expect(filesOf(answer)[0]?.name).toBe(file);
  });

  it('sends files that build again, with their options', async () => {
    const [answer] = await ask({ case: 'fileByFilename', value: 'morag/servers/v1/server_service.proto' });
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: inOrder(filesOf(answer)) }));
    const method = registry.getService('morag.servers.v1.ServerService')?.method.getServer;
    if (method === undefined) throw new Error('no such method');
    expect(getOption(method, http).pattern).toEqual({ case: 'get', value: '/v1/servers/{server_id}' });
    expect(getOption(method, access).rule).toEqual({ case: 'permission', value: 'servers:read' });
  });

  it('sends each file once in a conversation, but always the one asked for', async () => {
    const name = 'morag/servers/v1/server_service.proto';
    const query: Query = { case: 'fileByFilename', value: name };
    const [first, second] = await ask(query, query);
    expect(filesOf(first).length).toBeGreaterThan(1);
    expect(filesOf(second).map((file) => file.name)).toEqual([name]);
  });

  it('knows extensions by number and by type', async () => {
    const methodOptions = 'google.protobuf.MethodOptions';
    const [byNumber, numbers] = await ask(
      {
        case: 'fileContainingExtension',
        value: create(v1.ExtensionRequestSchema, { containingType: methodOptions, extensionNumber: http.number }),
      },
      { case: 'allExtensionNumbersOfType', value: methodOptions },
    );
    expect(filesOf(byNumber)[0]?.name).toBe('google/api/annotations.proto');
    expect(numbers).toMatchObject({
      case: 'allExtensionNumbersResponse',
      value: { extensionNumber: expect.arrayContaining([http.number, access.number]) },
    });
  });

  it('answers what it does not know, and goes on', async () => {
    const answers = await ask(
      { case: 'fileContainingSymbol', value: 'morag.Nope' },
      { case: 'allExtensionNumbersOfType', value: 'morag.Nope' },
      { case: undefined },
      { case: 'fileByFilename', value: 'google/api/http.proto' },
    );
    const codes = answers.map((answer) => (answer.case === 'errorResponse' ? answer.value.errorCode : 0));
    expect(codes).toEqual([Code.NotFound, Code.NotFound, Code.InvalidArgument, 0]);
  });
});
