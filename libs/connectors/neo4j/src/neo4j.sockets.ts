import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import type { Call } from '@morag/connectors-core';
import { AnswerRefused } from '@morag/egress';
import type { Driver } from 'neo4j-driver';
import { useSockets } from './neo4j.channel.ts';

/** Of one statement's answer, as of an HTTP vendor's. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

/** One statement under way, and the socket that it goes over. */
export class Use {
  readonly call: Call;
  /** Why this program itself gave the server up: the driver reports any such end as a lost connection. */
  refusal: AnswerRefused | undefined;
  #socket: Socket | undefined;
  #bytesBefore = 0;

  constructor(call: Call) {
    this.call = call;
  }

  take(socket: Socket): void {
    this.#socket = socket;
    this.#bytesBefore = socket.bytesRead;
    if (this.call.signal.aborted) this.end(this.call.signal.reason);
  }

  /** What the driver waits for on this socket fails. Nothing else would end a wait for a server that is frozen. */
  end(reason: Error): void {
    this.#socket?.destroy(reason);
  }

  checkSize(): void {
    if ((this.#socket?.bytesRead ?? 0) - this.#bytesBefore <= ANSWER_BYTES_MAX) return;
    this.refusal = new AnswerRefused('ANSWER_TOO_LARGE', 'The answer is larger than the limit.');
    this.end(this.refusal);
  }
}

/** The sockets of one driver. */
export interface Sockets {
  /** Work of the driver's for one statement: the socket that it takes becomes that statement's. */
  during<T>(use: Use, work: () => Promise<T>): Promise<T>;
  destroy(): void;
}

/** Lets a driver connect by `connect` alone, and knows which statement goes over which socket. */
export function giveSockets(driver: Driver, connect: (signal?: AbortSignal) => Promise<Socket>): Sockets {
  const uses = new AsyncLocalStorage<Use>();
  const open = new Set<Socket>();
  // A socket's own events come in the context of the statement that it was opened for, not of the one under way.
  const owners = new WeakMap<Socket, Use>();
  const assign = (socket: Socket) => {
    const use = uses.getStore();
    if (!use) return;
    owners.set(socket, use);
    use.take(socket);
  };
  useSockets(driver, {
    async open() {
      const socket = await connect(uses.getStore()?.call.signal);
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      socket.on('data', () => owners.get(socket)?.checkSize());
      assign(socket);
      return socket;
    },
    onAcquired: assign,
  });
  return {
    during: (use, work) => uses.run(use, work),
    destroy() {
      for (const socket of open) socket.destroy();
    },
  };
}
