import { type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { type Access, access } from '@morag/gen/morag/options/v1/options_pb.ts';

/** Who may call a method, as its proto says. Throws for one that says nothing: there is no default. */
export function accessOf(method: DescMethod): Access {
  const found = hasOption(method, access) ? getOption(method, access) : undefined;
  if (found?.rule.case === undefined) {
    throw new Error(`${method.parent.typeName}/${method.name} lacks the option morag.options.v1.access`);
  }
  return found;
}
