import { ConnectError, type Interceptor } from '@connectrpc/connect';
import { acceptRequestId, REQUEST_ID_HEADER, requestIdKey } from '../call-context.ts';

/** Gives every call its id and puts it into the answer, also into errors (as header or trailer, as the protocol has it). */
export const requestId: Interceptor = (next) => async (req) => {
  const id = acceptRequestId(req.header.get(REQUEST_ID_HEADER));
  req.contextValues.set(requestIdKey, id);
  try {
    const res = await next(req);
    res.header.set(REQUEST_ID_HEADER, id);
    return res;
  } catch (error) {
    if (error instanceof ConnectError) error.metadata.set(REQUEST_ID_HEADER, id);
    throw error;
  }
};
