import { ConnectError, type Interceptor } from '@connectrpc/connect';
import { DomainError, toConnectError } from '@morag/errors';
import { RequestInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { requestIdKey } from '../call-context.ts';

/** Turns whatever a handler throws into an error with reason and request id, inside streams as well. */
export const errorMapping: Interceptor = (next) => async (req) => {
  const translate = (error: unknown): ConnectError => {
    const mapped = toConnectError(consequenceOf(req.signal, error));
    const requestId = req.contextValues.get(requestIdKey);
    if (mapped.findDetails(RequestInfoSchema).length === 0) {
      mapped.details.push({ desc: RequestInfoSchema, value: { requestId } });
    }
    return mapped;
  };
  try {
    const res = await next(req);
    return res.stream ? { ...res, message: translated(res.message, req.signal, translate) } : res;
  } catch (error) {
    throw translate(error);
  }
};

async function* translated<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  translate: (error: unknown) => ConnectError,
): AsyncGenerator<T> {
  try {
    yield* messages;
    // A handler that just ends when it is told to stop has not come to the end of its stream.
    signal.throwIfAborted();
  } catch (error) {
    throw translate(error);
  }
}

/**
 * After the caller left or the deadline passed, drivers fail in words of their own ("canceling statement"): what the
 * signal says is the truth then. A caller in this process may have aborted with an error of its own making.
 */
function consequenceOf(signal: AbortSignal, error: unknown): unknown {
  if (!signal.aborted || error instanceof DomainError || error instanceof ConnectError) return error;
  const { reason } = signal;
  const tells = reason instanceof DomainError || reason instanceof ConnectError || NAMES.has((reason as Error)?.name);
  return tells ? reason : new DomainError('CANCELLED', 'The call was cancelled.', { cause: reason });
}

/** `AbortController.abort()` and `AbortSignal.timeout()`. */
const NAMES: ReadonlySet<string | undefined> = new Set(['AbortError', 'TimeoutError']);
