import { experimental } from '@grpc/grpc-js';
import { type Call, hasCategory } from '@morag/connectors-core';
import { type Egress, urlHost } from '@morag/egress';
import { ConnectionGRPC } from 'weaviate-client';
import { NoLine } from './weaviate.errors.ts';
import { openRelay, type RelayTarget } from './weaviate.relay.ts';

const SCHEME = 'morag-relay';
const CONNECT_TIMEOUT_MS = 10_000;
/** The SDK's own deadline; calls end at theirs, which is never later. */
const SDK_TIMEOUT_SECONDS = 700;
/** What the server takes by default, and the SDK's bound in both directions. */
const MESSAGE_BYTES_MAX = 104_858_000;

/** The SDK's gRPC connection while it stands. */
export interface Line {
  readonly connection: ConnectionGRPC;
  /** Aborts with the reason once the connection is over. */
  readonly signal: AbortSignal;
  close(): void;
}

/**
 * Names relays to gRPC's library: the socket as the address, and as `:authority` the server's own name, by which
 * proxies in front of it route.
 */
class RelayResolver {
  readonly #report: () => void;
  #reported = false;

  constructor({ path }: { path: string }, listener: experimental.ResolverListener) {
    const endpoints = experimental.statusOrFromValue([{ addresses: [{ path: `/${path}` }] }]);
    this.#report = () => listener(endpoints, {}, null, '');
  }

  static getDefaultAuthority({ authority = '' }: { authority?: string }): string {
    return authority;
  }

  updateResolution(): void {
    if (this.#reported) return;
    this.#reported = true;
    process.nextTick(this.#report);
  }

  destroy(): void {
    this.#reported = false;
  }
}

experimental.registerResolver(SCHEME, RelayResolver);

/** Opens a connection; rejects with what the socket said. It is never reconnected: the next call opens another. */
export async function openLine(
  target: RelayTarget,
  apiKey: string | undefined,
  egress: Egress,
  closing: AbortSignal,
): Promise<Line> {
  const signal = AbortSignal.any([closing, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
  const relay = await openRelay(target, egress, signal).catch((error: unknown) => {
    throw new NoLine(target.port, error);
  });
  const authority = `${urlHost(target.host)}:${target.port}`;
  const connection = openConnection(`${SCHEME}://${authority}${relay.path}`, authority, apiKey);
  const controller = new AbortController();
  void relay.over.then((reason) => {
    controller.abort(reason);
    connection.close();
  });
  return { connection, signal: controller.signal, close: relay.close };
}

/**
 * The SDK's connection as such: its client would first ask for the server's version, by a `fetch` that resolves the host
 * by itself, follows redirects and knows no signal. Hence its types know no constructor; REST calls go another way.
 */
function openConnection(address: string, authority: string, apiKey: string | undefined): ConnectionGRPC {
  const seconds = SDK_TIMEOUT_SECONDS;
  return Reflect.construct(ConnectionGRPC, [
    {
      host: `http://${authority}`,
      headers: {},
      // Plain text to the relay, which speaks TLS to the server where that is asked for.
      grpcAddress: address,
      grpcSecure: false,
      grpcMaxMessageLength: MESSAGE_BYTES_MAX,
      timeout: { init: seconds, query: seconds, insert: seconds },
      ...(apiKey && { apiKey: { apiKey } }),
    },
  ]) as ConnectionGRPC;
}

/** The line that calls share: one at a time, opened by the first call that needs it. */
export class Lines {
  readonly #open: (closing: AbortSignal) => Promise<Line>;
  #current: Promise<Line> | undefined;
  /** Calls under way, by line. */
  readonly #busy = new Map<Line, number>();
  readonly #closing = new AbortController();

  constructor(open: (closing: AbortSignal) => Promise<Line>) {
    this.#open = open;
  }

  /** The work's signal aborts when the line is over, and with the reason of that the work rejects. */
  async use<T>(call: Call, work: (line: Line, signal: AbortSignal) => Promise<T>): Promise<T> {
    const asked = (this.#current ??= this.#opened());
    const line = await asked;
    call.signal.throwIfAborted();
    this.#busy.set(line, (this.#busy.get(line) ?? 0) + 1);
    // No answer in time may mean that the connection is dead, which nobody would ever notice of it.
    const onAbort = () => {
      if (isTimeout(call.signal.reason)) this.#forget(asked);
    };
    call.signal.addEventListener('abort', onAbort);
    try {
      return await work(line, AbortSignal.any([call.signal, line.signal]));
    } catch (error) {
      throw line.signal.aborted ? line.signal.reason : error;
    } finally {
      call.signal.removeEventListener('abort', onAbort);
      this.#release(line, asked);
    }
  }

  close(): void {
    this.#closing.abort();
    for (const line of this.#busy.keys()) line.close();
    this.#current?.then(
      (line) => line.close(),
      () => undefined,
    );
  }

  #opened(): Promise<Line> {
    const opening = this.#open(this.#closing.signal);
    opening.then(
      (line) => {
        line.signal.addEventListener('abort', () => this.#forget(opening), { once: true });
        if (this.#closing.signal.aborted) line.close();
      },
      () => this.#forget(opening),
    );
    return opening;
  }

  #forget(line: Promise<Line>): void {
    if (this.#current === line) this.#current = undefined;
  }

  /** A line that was given up is closed once its last call is over. */
  #release(line: Line, asked: Promise<Line>): void {
    const busy = (this.#busy.get(line) ?? 1) - 1;
    if (busy > 0) this.#busy.set(line, busy);
    else this.#busy.delete(line);
    if (busy === 0 && this.#current !== asked) line.close();
  }
}

function isTimeout(reason: unknown): boolean {
  return hasCategory(reason, 'timeout');
}
