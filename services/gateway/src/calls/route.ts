import type {
  DescMessage,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
} from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import { DomainError } from '@morag/errors';
import type { Backend } from '../contracts/contracts.ts';
import type { Binding } from '../routing/binding.ts';
import type { JsonWriters } from '../transcoding/encode-message.ts';
import { createRequestReader } from '../transcoding/request.ts';
import { createResponseWriter } from '../transcoding/response.ts';
import { createUploadReader, takesFile } from '../transcoding/upload-request.ts';
import type { Exchange } from './exchange.ts';
import { callLines } from './lines.call.ts';
import { callServerStream } from './server-stream.call.ts';
import { callUnary } from './unary.call.ts';
import { callUpload } from './upload.call.ts';

/** A binding, ready to answer HTTP requests. */
export interface Route {
  /** `POST /v1/servers`, for logs and metrics. */
  readonly label: string;
  /** Answers a request, or throws. */
  call(exchange: Exchange): Promise<unknown>;
}

/** See createRoute. */
export interface RouteParts {
  readonly transports: Readonly<Partial<Record<Backend, Transport>>>;
  readonly writers: JsonWriters;
  readonly uploadBytesMax: number;
}

/** Compiles a binding by the kind of its method. Throws when its rule cannot be served, which stops the start. */
export function createRoute(binding: Binding, parts: RouteParts): Route {
  const { method, httpMethod, template, backend } = binding;
  const label = `${httpMethod} ${template}`;
  if (method.methodKind === 'bidi_streaming') throw new Error(`${label}: HTTP cannot carry a stream both ways`);
  const transport = parts.transports[backend] ?? absentTransport(backend);
  return { label, call: callOf(binding, parts, transport) };
}

/** Stands for a service that is not part of this installation. */
function absentTransport(backend: Backend): Transport {
  const refuse = () =>
    Promise.reject(new DomainError('NOT_YET_AVAILABLE', `There is no service "${backend}" here yet.`));
  return { unary: refuse, stream: refuse };
}

function callOf(binding: Binding, { writers, uploadBytesMax }: RouteParts, transport: Transport): Route['call'] {
  const { method } = binding;
  const write = createResponseWriter(binding, writers);
  switch (method.methodKind) {
    case 'unary': {
      const route = { method: method as DescMethodUnary<DescMessage, DescMessage>, transport, write };
      const read = createRequestReader(binding);
      return (exchange) => callUnary({ ...route, read }, exchange);
    }
    case 'server_streaming': {
      const route = { method: method as DescMethodServerStreaming<DescMessage, DescMessage>, transport, write };
      const read = createRequestReader(binding);
      return (exchange) => callServerStream({ ...route, read }, exchange);
    }
    default: {
      const route = { method: method as DescMethodClientStreaming<DescMessage, DescMessage>, transport, write };
      if (!takesFile(method.input)) {
        const read = createRequestReader(binding);
        return (exchange) => callLines({ ...route, read }, exchange);
      }
      const read = createUploadReader(method.input, binding.template);
      return (exchange) => callUpload({ ...route, read, fileBytesMax: uploadBytesMax }, exchange);
    }
  }
}
