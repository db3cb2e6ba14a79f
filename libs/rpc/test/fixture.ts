import { create, type DescMethodUnary, type DescService, type MessageShape } from '@bufbuild/protobuf';
import {
  type ConnectRouter,
  createContextValues,
  type Interceptor,
  type ServiceImpl,
  type UnaryRequest,
  type UnaryResponse,
} from '@connectrpc/connect';
import type { Authenticator, Principal } from '@morag/auth';
import { DomainError } from '@morag/errors';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { createLogger, createMetrics, type Metrics } from '@morag/telemetry';
import { notYetAvailable } from '../src/not-yet-available.ts';
import { createServiceHost, type ServiceHost, type ServiceHostOptions } from '../src/server/service-host.ts';

export const SERVER_ID = '01a2041e-6848-74e1-a04e-a6659e40ca01';

type ServerHandlers = Partial<ServiceImpl<typeof ServerService>>;
type RecordHandlers = Partial<ServiceImpl<typeof RecordService>>;

/** See startHost. */
export interface HostFixture {
  readonly host: ServiceHost;
  readonly metrics: Metrics;
  /** Log lines so far. */
  readonly lines: Record<string, unknown>[];
  readonly baseUrl: string;
  readonly port: number;
}

/** A host of two real services whose handlers the test gives; those it does not give are not yet available. */
export async function startHost(
  handlers: { server?: ServerHandlers; record?: RecordHandlers } = {},
  options: Partial<ServiceHostOptions> = {},
): Promise<HostFixture> {
  const lines: Record<string, unknown>[] = [];
  const metrics = createMetrics({ service: 'test' });
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const host = createServiceHost({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    descriptors: [ServerService, RecordService],
    routes: routesOf(handlers),
    authenticator: fakeAuthenticator,
    logger: createLogger({ level: 'debug', service: 'test', stream }),
    metrics,
    readiness: async () => ({ database: true }),
    ...options,
  });
  const { port } = await host.start();
  return { host, metrics, lines, port, baseUrl: `http://127.0.0.1:${port}` };
}

/** Registers the given handlers and fills the gaps. */
export function routesOf(handlers: { server?: ServerHandlers; record?: RecordHandlers }) {
  return (router: ConnectRouter): void => {
    router.service(ServerService, complete(ServerService, handlers.server));
    router.service(RecordService, complete(RecordService, handlers.record));
  };
}

function complete<Desc extends DescService>(
  service: Desc,
  handlers: Partial<ServiceImpl<Desc>> = {},
): Partial<ServiceImpl<Desc>> {
  const names = service.methods.map(({ localName }) => localName).filter((name) => !(name in handlers));
  return { ...notYetAvailable(service, names), ...handlers };
}

const PEOPLE: Record<string, Pick<Principal, 'kind' | 'userId' | 'permissions'>> = {
  admin: {
    kind: 'user',
    userId: 'admin',
    permissions: new Set(['servers:read', 'servers:write', 'servers:test', 'records:read', 'records:write']),
  },
  other: { kind: 'user', userId: 'other', permissions: new Set(['servers:read', 'servers:write']) },
  viewer: { kind: 'user', userId: 'viewer', permissions: new Set(['servers:read']) },
  worker: { kind: 'service', userId: 'owner', permissions: new Set() },
};

/** The credential is the name of a person. */
export const fakeAuthenticator: Authenticator = {
  async authenticate(credential) {
    const person = PEOPLE[credential];
    if (person === undefined) throw new DomainError('UNAUTHENTICATED', 'The credential is wrong.');
    return { ...person, role: 'USER', credential };
  },
};

/** Call headers of a person. */
export function as(person: string): { headers: Record<string, string> } {
  return { headers: { authorization: `Bearer ${person}` } };
}

/** Runs one interceptor around `handler`, with a request of `method`. */
export function runUnary<Method extends DescMethodUnary>(
  interceptor: Interceptor,
  method: Method,
  handler: (req: UnaryRequest) => MessageShape<Method['output']> | Promise<MessageShape<Method['output']>>,
  init: Partial<UnaryRequest> = {},
): Promise<UnaryResponse> {
  const req: UnaryRequest = {
    stream: false,
    service: method.parent,
    method,
    requestMethod: 'POST',
    url: 'http://test/',
    signal: new AbortController().signal,
    header: new Headers({ 'content-type': 'application/proto' }),
    contextValues: createContextValues(),
    message: create(method.input),
    ...init,
  };
  const innermost = async (inner: UnaryRequest): Promise<UnaryResponse> => ({
    stream: false,
    service: method.parent,
    method,
    header: new Headers(),
    trailer: new Headers(),
    message: await handler(inner),
  });
  return interceptor(innermost as Parameters<Interceptor>[0])(req) as Promise<UnaryResponse>;
}
