import { protoCamelCase } from '@bufbuild/protobuf/reflect';
import { Code, ConnectError } from '@connectrpc/connect';
import { DomainError, reasonOf } from '@morag/errors';

const PREFIX = /^parse binary: |^cannot decode (?:message|field|oneof) (\S+) from JSON: /;
const UNKNOWN_KEY = /^key "(.*)" is unknown$/;
const FIELD = /^cannot decode field \S*\.(\w+) from JSON: /;

/**
 * What a message parser said, as an error for the caller: a field that is unknown or has a wrong value is INVALID_ARGUMENT
 * and named, anything else is MALFORMED_BODY. The parser's words begin with the type it was reading, which is left out.
 */
export function parseError(text: string, cause: unknown): DomainError {
  const description = text.replace(PREFIX, '');
  const unknown = UNKNOWN_KEY.exec(description)?.[1];
  const known = FIELD.exec(text)?.[1];
  const field = unknown ?? (known && protoCamelCase(known));
  if (field === undefined)
    return new DomainError('MALFORMED_BODY', `The message is not readable: ${description}`, { cause });
  const violations = [{ field, description: unknown === undefined ? description : 'is unknown' }];
  return new DomainError('INVALID_ARGUMENT', `${field}: ${violations[0]?.description}`, { violations, cause });
}

/** What reading a message of a stream failed with: the library calls a message that does not parse an internal error. */
export function unreadable(error: unknown): unknown {
  if (!(error instanceof ConnectError) || reasonOf(error) !== undefined) return error;
  const isParser = error.code === Code.Internal || error.code === Code.InvalidArgument;
  return isParser ? parseError(error.rawMessage, error) : error;
}
