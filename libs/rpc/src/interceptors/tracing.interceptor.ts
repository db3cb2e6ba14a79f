import type { Interceptor } from '@connectrpc/connect';
import { withServerSpan } from '@morag/telemetry';
import { requestIdKey } from '../call-context.ts';
import { methodName } from '../method-name.ts';

/** Continues the caller's trace; costs one comparison while no traces are recorded. */
export const tracing: Interceptor = (next) => (req) =>
  withServerSpan(
    methodName(req.method),
    req.header,
    { 'rpc.system': 'connect_rpc', 'morag.request_id': req.contextValues.get(requestIdKey) },
    () => next(req),
  );
