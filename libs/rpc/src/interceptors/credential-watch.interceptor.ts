import type { Interceptor, StreamRequest } from '@connectrpc/connect';
import { type Authenticator, principalKey } from '@morag/auth';
import { reasonOf } from '@morag/errors';
import { endCallKey, peerAddressKey } from '../call-context.ts';
import { observed } from './stream.ts';

/** Together with what an authenticator remembers (500 ms) less than the second in which a revocation takes effect. */
const CHECK_MS = 400;
/** An open stream whose credential cannot be judged goes on for this long; the next call is refused at once. */
const UNKNOWN_MS_MAX = 10_000;

/** Ends a stream soon after its credential was revoked: a session signed out, a user disabled, a key withdrawn. */
export function credentialWatch(authenticator: Authenticator): Interceptor {
  return (next) => async (req) => {
    if (!req.stream || !authenticator.stillGood || !req.contextValues.get(principalKey)) return next(req);
    const watch = watchCredential(authenticator, req);
    try {
      const res = await next(req);
      if (res.stream) return { ...res, message: observed(until(res.message, watch.refused), watch.stop) };
      watch.stop();
      return res;
    } catch (error) {
      watch.stop();
      throw error;
    }
  };
}

interface Watch {
  /** Rejects once the credential is no good. */
  readonly refused: Promise<never>;
  stop(): void;
}

function watchCredential(authenticator: Authenticator, { contextValues, signal }: StreamRequest): Watch {
  const principal = contextValues.get(principalKey);
  const peer = { address: contextValues.get(peerAddressKey) };
  const { promise: refused, reject } = Promise.withResolvers<never>();
  // Nobody waits for it while no message is asked for.
  refused.catch(() => {});
  let goodAt = performance.now();
  const check = async (): Promise<void> => {
    if (!principal) return;
    try {
      await authenticator.stillGood?.(principal, peer, signal);
      goodAt = performance.now();
    } catch (error) {
      if (reasonOf(error) !== 'UNAUTHENTICATED' && performance.now() - goodAt < UNKNOWN_MS_MAX) return;
      clearInterval(timer);
      reject(error);
      contextValues.get(endCallKey)?.(error);
    }
  };
  const timer = setInterval(() => void check(), CHECK_MS).unref();
  return { refused, stop: () => clearInterval(timer) };
}

/** The same messages until the promise rejects: also where their source does not notice that it should end. */
async function* until<T>(messages: AsyncIterable<T>, refused: Promise<never>): AsyncGenerator<T> {
  const source = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const read = await Promise.race([source.next(), refused]);
      if (read.done === true) return;
      yield read.value;
    }
  } finally {
    // Not waited for: a source that is stuck would hold the answer.
    source.return?.().catch(() => {});
  }
}
