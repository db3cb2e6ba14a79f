import { create, type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { Operations } from '@morag/gen/google/longrunning/operations_pb.ts';
import { type Access, AccessSchema, access } from '@morag/gen/morag/options/v1/options_pb.ts';

/**
 * Of the one contract that is not ours to annotate. Whose operations a caller sees is decided by the service, as for every
 * other resource.
 */
const OPERATIONS: Readonly<Record<keyof typeof Operations.method, string>> = {
  listOperations: 'databases:read',
  getOperation: 'databases:read',
  waitOperation: 'databases:read',
  cancelOperation: 'databases:write',
  deleteOperation: 'databases:write',
};

/** Who may call a method, as its proto says. Throws for one that says nothing: there is no default. */
export function accessOf(method: DescMethod): Access {
  if (method.parent.typeName === Operations.typeName) {
    const value = OPERATIONS[method.localName as keyof typeof OPERATIONS];
    return create(AccessSchema, { rule: { case: 'permission', value } });
  }
  const found = hasOption(method, access) ? getOption(method, access) : undefined;
  if (found?.rule.case === undefined) {
    throw new Error(`${method.parent.typeName}/${method.name} lacks the option morag.options.v1.access`);
  }
  return found;
}
