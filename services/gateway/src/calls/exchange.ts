import type { FastifyReply, FastifyRequest } from 'fastify';

/** One HTTP request on its way to a method. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** What the path holds for the variables of the template. */
  readonly values: readonly string[];
  /** Without its `?`. */
  readonly query: string;
  /** Aborts when the gateway stops: for what would not end by itself. */
  readonly stopping: AbortSignal;
}
