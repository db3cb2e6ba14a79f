import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { FieldMask } from '@bufbuild/protobuf/wkt';
import { createValidator, ValidationError, type Violation } from '@bufbuild/protovalidate';
import type { Interceptor } from '@connectrpc/connect';
import { unreadable } from '../server/parse-errors.ts';
import { updatedFields, updateShapeOf } from '../update-mask.ts';
import { checked } from './stream.ts';

/**
 * Holds every request message to the protovalidate rules of its proto. One validator for the life of the host: it
 * compiles the rules of a message when it first meets one.
 */
export function validation(): Interceptor {
  const validator = createValidator();
  const check = <Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): void => {
    const result = validator.validate(schema, message);
    if (result.kind === 'valid') return;
    if (result.kind === 'error') throw result.error;
    const violations = withoutUntouched(schema, message, result.violations);
    if (violations.length > 0) throw new ValidationError(violations);
  };
  return (next) => (req) => {
    if (!req.stream) {
      check(req.method.input, req.message);
      return next(req);
    }
    return next({ ...req, message: checked(req.message, (message) => check(req.method.input, message), unreadable) });
  };
}

/** An update is held to the rules of the fields that it changes: the others are empty because they are not meant. */
function withoutUntouched<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  violations: Violation[],
): Violation[] {
  const shape = updateShapeOf(schema);
  if (!shape) return violations;
  const request = reflect(schema, message);
  const mask = request.isSet(shape.mask) ? (request.get(shape.mask).message as FieldMask) : undefined;
  const resource = request.isSet(shape.resource) ? request.get(shape.resource).message : undefined;
  const changed = updatedFields(shape.resource.message, resource, mask);
  return violations.filter(({ field: [outer, inner] }) => {
    const isInside = outer?.kind === 'field' && outer.name === shape.resource.name && inner?.kind === 'field';
    return !isInside || changed.has(inner.name);
  });
}
