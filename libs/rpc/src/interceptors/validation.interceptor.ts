import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import type { Interceptor } from '@connectrpc/connect';
import { checked } from './stream.ts';

/**
 * Holds every request message to the protovalidate rules of its proto. One validator for the life of the host: it
 * compiles the rules of a message when it first meets one.
 */
export function validation(): Interceptor {
  const validator = createValidator();
  const check = <Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): void => {
    const result = validator.validate(schema, message);
    if (result.kind !== 'valid') throw result.error;
  };
  return (next) => (req) => {
    if (!req.stream) {
      check(req.method.input, req.message);
      return next(req);
    }
    return next({ ...req, message: checked(req.message, (message) => check(req.method.input, message)) });
  };
}
