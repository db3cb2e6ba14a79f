import type { Path } from '@bufbuild/protobuf/reflect';
import { protoCamelCase } from '@bufbuild/protobuf/reflect';
import type { Violation as ValidateViolation } from '@bufbuild/protovalidate';
import type { FieldPath, FieldPathElement, Violations } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

/** One field that is wrong. */
export interface Violation {
  /** Path from the request message in JSON names, `records[3].vector`; empty when the whole message is meant. */
  readonly field: string;
  /** What is wrong with it, for people. */
  readonly description: string;
}

/** The violations that protovalidate found, with their paths in JSON names. */
export function fromValidate(violations: readonly ValidateViolation[]): Violation[] {
  return violations.map(({ field, message }) => ({ field: jsonPath(field), description: message }));
}

/** The same from the message that protovalidate puts on the wire. */
export function fromValidateProto(violations: Violations): Violation[] {
  return violations.violations.map(({ field, message }) => ({ field: jsonPathOfProto(field), description: message }));
}

function jsonPath(path: Path): string {
  let text = '';
  for (const step of path) {
    switch (step.kind) {
      case 'list_sub':
        text += subscript(step.index);
        break;
      case 'map_sub':
        text += subscript(step.key);
        break;
      case 'extension':
        text += `[${step.typeName}]`;
        break;
      case 'field':
        text += member(text, step.jsonName);
        break;
      case 'oneof':
        text += member(text, protoCamelCase(step.name));
        break;
    }
  }
  return text;
}

function jsonPathOfProto(path: FieldPath | undefined): string {
  return (path?.elements ?? []).reduce((text, element) => text + stepOfProto(text, element), '');
}

function stepOfProto(before: string, { fieldName, subscript: at }: FieldPathElement): string {
  return member(before, protoCamelCase(fieldName)) + (at.case === undefined ? '' : subscript(at.value));
}

function member(before: string, name: string): string {
  return before === '' ? name : `.${name}`;
}

function subscript(key: string | number | bigint | boolean): string {
  return `[${typeof key === 'string' ? JSON.stringify(key) : String(key)}]`;
}
