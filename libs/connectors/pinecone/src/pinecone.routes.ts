import { type ServerSettings, tlsOf } from '@morag/connectors-core';
import { type Egress, urlHost } from '@morag/egress';
import type { IndexHost } from './pinecone.host.ts';
import type { PineconeOptions } from './pinecone.options.ts';

/** Indexes that keep sockets of their own; beyond, those of the one that was opened first are closed. */
const HOSTS_MAX = 64;

/** The way of a request. */
export interface Route {
  readonly dispatcher: ReturnType<Egress['dispatcher']>;
  /** Where it is connected to. */
  readonly origin: string;
  /** Whom it is for: its Host header. */
  readonly authority: string;
}

/** The sockets to the control plane at the registered host, and to the indexes, each at its own. */
export class PineconeRoutes {
  readonly scheme: 'http' | 'https';
  readonly control: Route;
  readonly #settings: ServerSettings;
  readonly #options: PineconeOptions;
  readonly #egress: Egress;
  readonly #byOrigin = new Map<string, Route>();

  constructor(settings: ServerSettings, options: PineconeOptions, egress: Egress) {
    this.#settings = settings;
    this.#options = options;
    this.#egress = egress;
    this.scheme = settings.tls === 'DISABLED' ? 'http' : 'https';
    this.control = this.#open(settings.host, settings.port, undefined);
  }

  toIndex({ host, port, authority }: IndexHost): Route {
    if (this.#options.gateway) return { ...this.control, authority };
    const origin = this.#originOf(host, port);
    const known = this.#byOrigin.get(origin);
    if (known) return known;
    if (this.#byOrigin.size >= HOSTS_MAX) this.#closeOldest();
    const route = this.#open(host, port, authority);
    this.#byOrigin.set(origin, route);
    return route;
  }

  async close(): Promise<void> {
    const all = [this.control, ...this.#byOrigin.values()];
    this.#byOrigin.clear();
    await Promise.all(all.map(({ dispatcher }) => dispatcher.destroy()));
  }

  #open(host: string, port: number, authority: string | undefined): Route {
    const tls = tlsOf(this.#settings.tls, this.#options);
    // The name that the registered host's certificate carries is not that of an index's.
    const own = tls && host !== this.#settings.host ? { ...tls, servername: undefined } : tls;
    const dispatcher = this.#egress.dispatcher({ host, port, tls: own, connections: this.#options.connections });
    const origin = this.#originOf(host, port);
    // A host that is none is denied when it is connected to.
    return { dispatcher, origin, authority: authority ?? URL.parse(origin)?.host ?? host };
  }

  #closeOldest(): void {
    const [oldest] = this.#byOrigin;
    if (!oldest) return;
    this.#byOrigin.delete(oldest[0]);
    // Ends once the requests under way have: not waited for.
    oldest[1].dispatcher.close().catch(() => undefined);
  }

  #originOf(host: string, port: number): string {
    return `${this.scheme}://${urlHost(host)}:${port}`;
  }
}
