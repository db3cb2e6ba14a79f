import type { Interceptor } from '@connectrpc/connect';
import { principalKey } from '@morag/auth';
import { peerAddressKey, requestIdKey } from '../call-context.ts';
import type { CallObserver } from '../server/call-observer.ts';
import { observed } from './stream.ts';

/** Counts and times every call and writes its one log line, when its last message is out. */
export function accessLog(observer: CallObserver): Interceptor {
  return (next) => async (req) => {
    const started = performance.now();
    let open = true;
    observer.begin();
    const end = (error?: unknown): void => {
      if (!open) return;
      open = false;
      observer.end({
        method: req.method,
        requestId: req.contextValues.get(requestIdKey),
        principal: req.contextValues.get(principalKey),
        address: req.contextValues.get(peerAddressKey),
        ms: performance.now() - started,
        // A stream whose reader left ends without an error; the signal knows why.
        error: error ?? (req.signal.aborted ? req.signal.reason : undefined),
      });
    };
    try {
      const res = await next(req);
      if (res.stream) return { ...res, message: observed(res.message, end) };
      end();
      return res;
    } catch (error) {
      end(error);
      throw error;
    }
  };
}
