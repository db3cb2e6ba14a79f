import { Dispatcher, errors } from 'undici';

/** One for all: the trace that each would hold costs more than closing a socket, and leads nowhere. */
const DESTROYED = new errors.ClientDestroyedError();

/** Sends requests through a pool of sockets, and through a new one as soon as the pool says that it is of no use. */
export class RenewedPool extends Dispatcher {
  readonly #open: (onUseless: () => void) => Dispatcher;
  readonly #retiring = new Set<Dispatcher>();
  #current: Dispatcher;
  #closed = false;

  constructor(open: (onUseless: () => void) => Dispatcher) {
    super();
    this.#open = open;
    this.#current = this.#renew();
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.#current.dispatch(options, handler);
  }

  /** After the requests under way. */
  override async close(callback?: () => void): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#current, ...this.#retiring].map((pool) => pool.close()));
    callback?.();
  }

  override async destroy(error?: Error | null | (() => void), callback?: () => void): Promise<void> {
    this.#closed = true;
    const reason = typeof error === 'function' ? DESTROYED : (error ?? DESTROYED);
    await Promise.all([this.#current, ...this.#retiring].map((pool) => pool.destroy(reason)));
    (typeof error === 'function' ? error : callback)?.();
  }

  #renew(): Dispatcher {
    const pool = this.#open(() => {
      // Several requests may find out at once.
      if (this.#closed || this.#current !== pool) return;
      this.#current = this.#renew();
      this.#retiring.add(pool);
      pool.close().then(
        () => this.#retiring.delete(pool),
        () => this.#retiring.delete(pool),
      );
    });
    return pool;
  }
}
