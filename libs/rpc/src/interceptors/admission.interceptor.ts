import type { DescMethod } from '@bufbuild/protobuf';
import type { Interceptor } from '@connectrpc/connect';
import { isInfrastructure } from '../method-name.ts';
import type { Admission, CallKind } from '../server/admission.ts';
import { observed } from './stream.ts';

/** Keeps the number of calls under way within its bound, and lets none in once the service stops. */
export function admit(admission: Admission): Interceptor {
  return (next) => async (req) => {
    const leave = admission.enter(kindOf(req.method));
    try {
      const res = await next(req);
      if (res.stream) return { ...res, message: observed(res.message, leave) };
      leave();
      return res;
    } catch (error) {
      leave();
      throw error;
    }
  };
}

function kindOf(method: DescMethod): CallKind {
  if (method.methodKind !== 'unary') return 'stream';
  return isInfrastructure(method) ? 'probe' : 'unary';
}
