import { Socket } from 'node:net';
import type { Egress } from '@morag/egress';

/** What PostgreSQL's first byte can be: an answer to SSLRequest, or a message of the start-up. */
const FIRST_BYTES = new Set([...'SNERv'].map((letter) => letter.charCodeAt(0)));

/** Something that answers, but not as PostgreSQL does. */
export class NotPostgres extends Error {
  readonly code = 'NOT_POSTGRES';

  constructor() {
    super('What answers there is not PostgreSQL.');
  }
}

/**
 * The socket that the driver connects, by way of the egress module: to the address that was checked. The driver itself
 * would wait for ever for the rest of a message that another protocol's first bytes announce.
 */
export class VettedSocket extends Socket {
  readonly #egress: Egress;
  readonly #host: string;
  readonly #port: number;

  constructor(egress: Egress, host: string, port: number) {
    super();
    this.#egress = egress;
    this.#host = host;
    this.#port = port;
  }

  override connect(): this {
    this.#egress.resolve(this.#host, this.#port).then(
      ({ address, family }) => {
        if (this.destroyed) return;
        this.once('data', (chunk: Buffer) => {
          if (!FIRST_BYTES.has(chunk[0] ?? 0)) this.destroy(new NotPostgres());
        });
        super.connect({ host: address, family, port: this.#port });
      },
      (error: Error) => this.destroy(error),
    );
    return this;
  }
}
