import type {
  DescEnum,
  DescEnumValue,
  DescField,
  DescFile,
  DescMessage,
  DescMethod,
  DescService,
} from '@bufbuild/protobuf';

/** A part of a contract that has a comment of its own. */
export type Commented = DescEnum | DescEnumValue | DescField | DescMessage | DescMethod | DescService;

/** The comment above a part of a contract, its paragraphs without line breaks; empty when there is none. */
export type Comments = (desc: Commented) => string;

/** Reads comments from descriptors that were loaded with them. */
export function createComments(): Comments {
  const byFile = new WeakMap<DescFile, ReadonlyMap<string, string>>();
  return (desc) => {
    const file = fileOf(desc);
    let comments = byFile.get(file);
    if (comments === undefined) {
      comments = commentsOf(file);
      byFile.set(file, comments);
    }
    return comments.get(pathOf(desc).join('.')) ?? '';
  };
}

function commentsOf({ proto }: DescFile): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { path, leadingComments } of proto.sourceCodeInfo?.location ?? []) {
    if (leadingComments !== '') found.set(path.join('.'), paragraphs(leadingComments));
  }
  return found;
}

function paragraphs(comment: string): string {
  return comment
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replaceAll(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
}

function fileOf(desc: Commented): DescFile {
  return 'file' in desc ? desc.file : desc.parent.file;
}

/** Where `descriptor.proto` keeps each kind of part: numbers of its fields, each followed by an index. */
function pathOf(desc: Commented): number[] {
  switch (desc.kind) {
    case 'message':
      return desc.parent
        ? [...pathOf(desc.parent), 3, desc.parent.proto.nestedType.indexOf(desc.proto)]
        : [4, desc.file.proto.messageType.indexOf(desc.proto)];
    case 'enum':
      return desc.parent
        ? [...pathOf(desc.parent), 4, desc.parent.proto.enumType.indexOf(desc.proto)]
        : [5, desc.file.proto.enumType.indexOf(desc.proto)];
    case 'service':
      return [6, desc.file.proto.service.indexOf(desc.proto)];
    case 'rpc':
      return [...pathOf(desc.parent), 2, desc.parent.proto.method.indexOf(desc.proto)];
    case 'field':
      return [...pathOf(desc.parent), 2, desc.parent.proto.field.indexOf(desc.proto)];
    case 'enum_value':
      return [...pathOf(desc.parent), 2, desc.parent.proto.value.indexOf(desc.proto)];
  }
}
