import type { FastifyReply, FastifyRequest } from 'fastify';

/** One of the gateway's own pages: a probe, the contract, a file. */
export interface Page {
  readonly httpMethod: 'GET';
  readonly template: string;
  handle(request: FastifyRequest, reply: FastifyReply, values: readonly string[]): unknown;
}

/** Every page answers GET at a path template. */
export function page(template: string, handle: Page['handle']): Page {
  return { httpMethod: 'GET', template, handle };
}
