import { createRegistry, type DescExtension, type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/** What reflection answers from: every file that the services need, by name and by symbol. */
export interface ReflectionIndex {
  /** Full names of the services, sorted. */
  readonly serviceNames: readonly string[];
  fileByName(name: string): DescFile | undefined;
  /** The file that declares a service, method, message, field, oneof, enum, enum value or extension. */
  fileOfSymbol(name: string): DescFile | undefined;
  /** All extensions of a message, or undefined when there is no such message. */
  extensionsOf(messageName: string): readonly DescExtension[] | undefined;
  /** Serialised descriptor, custom options included; made once. */
  bytesOf(file: DescFile): Uint8Array;
}

/** Indexes the files of the services and everything that they import, and `more`, which no service names. */
export function indexServices(services: readonly DescService[], more: readonly DescFile[]): ReflectionIndex {
  const files = new Map<string, DescFile>();
  const add = (file: DescFile): void => {
    if (files.has(file.proto.name)) return;
    files.set(file.proto.name, file);
    file.dependencies.forEach(add);
  };
  for (const { file } of services) add(file);
  more.forEach(add);

  const registry = createRegistry(...files.values());
  const symbols = indexMembers(files.values());
  const bytes = new Map<DescFile, Uint8Array>();

  return {
    serviceNames: services.map(({ typeName }) => typeName).sort(),
    fileByName: (name) => files.get(name),
    fileOfSymbol: (name) => registry.get(name)?.file ?? symbols.get(name),
    extensionsOf: (name) =>
      registry.getMessage(name) &&
      [...registry].filter((desc) => desc.kind === 'extension').filter(({ extendee }) => extendee.typeName === name),
    bytesOf(file) {
      let result = bytes.get(file);
      if (result === undefined) {
        result = toBinary(FileDescriptorProtoSchema, file.proto);
        bytes.set(file, result);
      }
      return result;
    },
  };
}

/** Names below the types: methods, fields, oneofs, and enum values, which stand beside their enum. */
function indexMembers(files: Iterable<DescFile>): Map<string, DescFile> {
  const members = new Map<string, DescFile>();
  for (const file of files) {
    for (const desc of createRegistry(file)) {
      const names =
        desc.kind === 'service'
          ? desc.methods.map(({ name }) => `${desc.typeName}.${name}`)
          : desc.kind === 'message'
            ? [...desc.fields, ...desc.oneofs].map(({ name }) => `${desc.typeName}.${name}`)
            : desc.kind === 'enum'
              ? desc.values.map(({ name }) => desc.typeName.slice(0, -desc.name.length) + name)
              : [];
      for (const name of names) members.set(name, file);
    }
  }
  return members;
}
