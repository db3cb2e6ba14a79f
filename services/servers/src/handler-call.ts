import type { HandlerContext } from '@connectrpc/connect';
import { type Call, newCall } from './call.ts';

/** Of a call that came without a deadline, in process. */
const TIMEOUT_MS_DEFAULT = 30_000;

/** A handler's call as use cases see it. */
export function callOf(context: Pick<HandlerContext, 'signal' | 'timeoutMs'>): Call {
  return newCall(context.signal, () => context.timeoutMs() ?? TIMEOUT_MS_DEFAULT);
}
