import { fileURLToPath } from 'node:url';
import {
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Pool } from 'undici';

const PROTO = fileURLToPath(new URL('../../../proto', import.meta.url));

/** Calls one method of a gRPC service; plain objects in and out. */
export interface GrpcClient {
  call<T>(method: string, request: object): Promise<T>;
  close(): void;
}

/** The client that gRPC users on Node.js have. `service` is the full name, `morag.servers.v1.ServerService`. */
export function grpcClient(file: string, service: string, address: string, token: string): GrpcClient {
  const definition = loadSync(file, { includeDirs: [PROTO, `${PROTO}/third_party`], keepCase: false, longs: Number });
  const found = service
    .split('.')
    .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], loadPackageDefinition(definition));
  const client = new (found as ServiceClientConstructor)(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return {
    call: (method, request) =>
      new Promise((resolve, reject) => {
        const unary = (client as Client & Record<string, unknown>)[method] as (...args: unknown[]) => void;
        unary.call(client, request, metadata, (error: Error | null, value: never) =>
          error ? reject(error) : resolve(value),
        );
      }),
    close: () => client.close(),
  };
}

/** Calls a REST API over connections that are kept open. */
export interface RestClient {
  call<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T>;
  close(): Promise<void>;
}

/** undici's pool, the fastest client that Node.js has. */
export function restClient(origin: string, token: string): RestClient {
  const pool = new Pool(origin, { connections: 64 });
  const authorization = `Bearer ${token}`;
  return {
    async call<T>(method: 'GET' | 'POST', path: string, body?: object) {
      const response = await pool.request({
        method,
        path,
        headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode} ${await response.body.text()}`);
      return (await response.body.json()) as T;
    },
    close: () => pool.close(),
  };
}
