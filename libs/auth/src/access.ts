import { type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { type Access, access } from '@morag/gen/morag/options/v1/options_pb.ts';

/** The rule in a method's proto of who may call it; throws when there is none. */
export function accessOf(method: DescMethod): Access {
  const found = hasOption(method, access) ? getOption(method, access) : undefined;
  if (found?.rule.case === undefined) {
    throw new Error(`${method.parent.typeName}/${method.name} does not say who may call it (morag.options.v1.access)`);
  }
  return found;
}
