import {
  create,
  type DescFile,
  type DescService,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Code, type ConnectRouter } from '@connectrpc/connect';
import { file_google_rpc_error_details } from '@morag/gen/google/rpc/error_details_pb.ts';
import * as v1 from '@morag/gen/grpc/reflection/v1/reflection_pb.ts';
import * as v1alpha from '@morag/gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { indexServices, type ReflectionIndex } from './reflection-index.ts';

/** The reflection services themselves, which are reflected as well. */
export const REFLECTION_SERVICES: readonly DescService[] = [v1.ServerReflection, v1alpha.ServerReflection];

type Query = v1.ServerReflectionRequest['messageRequest'];
type Answer = NonNullable<MessageInitShape<typeof v1.ServerReflectionResponseSchema>['messageResponse']>;

/** Serves `grpc.reflection.v1` and `v1alpha`, which differ in their package name only: the bytes are the same. */
export function registerReflection(router: ConnectRouter, services: readonly DescService[]): void {
  // Errors carry these as `Any`; with them a client such as grpcurl prints reasons instead of bytes.
  const index = indexServices([...services, ...REFLECTION_SERVICES], [file_google_rpc_error_details]);
  router.service(v1.ServerReflection, { serverReflectionInfo: (requests) => converse(index, requests) });
  router.service(v1alpha.ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const response of converse(index, asV1(requests))) {
        const bytes = toBinary(v1.ServerReflectionResponseSchema, response);
        yield fromBinary(v1alpha.ServerReflectionResponseSchema, bytes);
      }
    },
  });
}

async function* asV1(requests: AsyncIterable<v1alpha.ServerReflectionRequest>) {
  for await (const request of requests) {
    const bytes = toBinary(v1alpha.ServerReflectionRequestSchema, request);
    yield fromBinary(v1.ServerReflectionRequestSchema, bytes);
  }
}

async function* converse(index: ReflectionIndex, requests: AsyncIterable<v1.ServerReflectionRequest>) {
  const sent = new Set<DescFile>();
  for await (const originalRequest of requests) {
    yield create(v1.ServerReflectionResponseSchema, {
      validHost: originalRequest.host,
      originalRequest,
      messageResponse: answer(index, originalRequest.messageRequest, sent),
    });
  }
}

function answer(index: ReflectionIndex, query: Query, sent: Set<DescFile>): Answer {
  switch (query.case) {
    case 'listServices':
      return {
        case: 'listServicesResponse',
        value: { service: index.serviceNames.map((name) => ({ name })) },
      };
    case 'fileByFilename':
      return filesFrom(index, index.fileByName(query.value), query.value, sent);
    case 'fileContainingSymbol':
      return filesFrom(index, index.fileOfSymbol(query.value), query.value, sent);
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = query.value;
      const extension = index.extensionsOf(containingType)?.find(({ number }) => number === extensionNumber);
      return filesFrom(index, extension?.file, `${containingType} extension ${extensionNumber}`, sent);
    }
    case 'allExtensionNumbersOfType': {
      const extensions = index.extensionsOf(query.value);
      if (extensions === undefined) return failure(Code.NotFound, `not found: ${query.value}`);
      const extensionNumber = extensions.map(({ number }) => number);
      return { case: 'allExtensionNumbersResponse', value: { baseTypeName: query.value, extensionNumber } };
    }
    default:
      return failure(Code.InvalidArgument, 'the request asks for nothing');
  }
}

/** The file and all it imports, without those that this conversation has already sent; the file itself always. */
function filesFrom(index: ReflectionIndex, root: DescFile | undefined, what: string, sent: Set<DescFile>): Answer {
  if (root === undefined) return failure(Code.NotFound, `not found: ${what}`);
  const fresh: DescFile[] = [];
  const visit = (file: DescFile): void => {
    if (sent.has(file)) return;
    sent.add(file);
    fresh.push(file);
    file.dependencies.forEach(visit);
  };
  visit(root);
  const files = fresh.length > 0 ? fresh : [root];
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto: files.map((file) => index.bytesOf(file)) } };
}

function failure(errorCode: Code, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
