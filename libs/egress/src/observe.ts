import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

/** What came back over the wire, for SDKs whose errors leave it out. */
export interface Answer {
  status?: number;
  headers?: IncomingHttpHeaders;
  /** Why no answer came. */
  error?: Error;
}

/** The same dispatcher, which also notes its last answer: for one call at a time. */
export function observing(dispatcher: Dispatcher, answer: Answer): Dispatcher {
  return dispatcher.compose((dispatch) => (options, handler) => {
    delete answer.status;
    delete answer.headers;
    delete answer.error;
    const onFailure = (error: Error) => {
      answer.error = error;
    };
    try {
      return dispatch(options, noting(handler, answer, onFailure));
    } catch (error) {
      onFailure(error as Error);
      throw error;
    }
  });
}

function noting(
  handler: Dispatcher.DispatchHandler,
  answer: Answer,
  onFailure: (error: Error) => void,
): Dispatcher.DispatchHandler {
  return {
    onRequestStart: handler.onRequestStart?.bind(handler),
    onRequestUpgrade: handler.onRequestUpgrade?.bind(handler),
    onResponseStart(controller, status, headers, statusMessage) {
      answer.status = status;
      answer.headers = headers;
      handler.onResponseStart?.(controller, status, headers, statusMessage);
    },
    onResponseData: handler.onResponseData?.bind(handler),
    onResponseEnd: handler.onResponseEnd?.bind(handler),
    onResponseError(controller, error) {
      onFailure(error);
      handler.onResponseError?.(controller, error);
    },
    onResponseStarted: handler.onResponseStarted?.bind(handler),
    onBodySent: handler.onBodySent?.bind(handler),
    onRequestSent: handler.onRequestSent?.bind(handler),
  };
}
