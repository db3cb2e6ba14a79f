import { createHash } from 'node:crypto';
import { type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import type { Interceptor, UnaryRequest, UnaryResponse } from '@connectrpc/connect';
import { principalKey } from '@morag/auth';
import type { IdempotencyStore } from '../idempotency-store.ts';
import { methodName } from '../method-name.ts';

/**
 * Answers the repetition of a call with the response of the first: same caller, method and `request_id`. Applies to unary
 * methods whose request has that field, when it is set, but never to answers that hold a secret: those are stored nowhere. Calls without a principal are left alone: anonymous callers share
 * no identity that a stored answer could belong to.
 */
export function idempotency(store: IdempotencyStore): Interceptor {
  return (next) => async (req) => {
    if (req.stream || holdsSecret(req.method.output)) return next(req);
    const requestId = requestIdOf(req.method.input, req.message);
    const principal = req.contextValues.get(principalKey);
    if (requestId === '' || principal === undefined) return next(req);
    let fresh: UnaryResponse | undefined;
    const execute = async (): Promise<Uint8Array> => {
      const res = await next(req);
      if (res.stream) throw new Error(`${methodName(req.method)} answered a unary call with a stream`);
      fresh = res;
      return toBinary(res.method.output, res.message);
    };
    const call = {
      // A key sees less than its owner, so it is not given what the owner was answered.
      caller: principal.keyId ? `${principal.userId}/${principal.keyId}` : principal.userId,
      method: methodName(req.method),
      requestId,
      fingerprint: createHash('sha256').update(toBinary(req.method.input, req.message)).digest('base64url'),
    };
    const bytes = await store.run(call, execute, req.signal);
    return fresh ?? replay(req, bytes);
  };
}

/** Whether an answer has a field that its contract says must not be shown in logs. */
function holdsSecret({ fields }: DescMessage): boolean {
  return fields.some(({ proto }) => proto.options?.debugRedact === true);
}

const FIELD = 'requestId';

function requestIdOf(schema: DescMessage, message: Message): string {
  const field = schema.field[FIELD];
  if (field?.fieldKind !== 'scalar') return '';
  const value = (message as Message & Record<typeof FIELD, unknown>)[FIELD];
  return typeof value === 'string' ? value : '';
}

/**
 * A response that no handler made. Its headers replace the ones the protocol prepared, so they state again what every
 * response states: the content type, which is the request's, and for gRPC the status.
 */
function replay(req: UnaryRequest, bytes: Uint8Array): UnaryResponse {
  const type = req.header.get('content-type') ?? 'application/proto';
  return {
    stream: false,
    service: req.service,
    method: req.method,
    header: new Headers({ 'content-type': type }),
    trailer: new Headers(type.startsWith('application/grpc') ? { 'grpc-status': '0' } : {}),
    message: fromBinary(req.method.output, bytes),
  };
}
