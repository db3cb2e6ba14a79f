import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createFileRegistry, type DescMethod, type FileRegistry, fromBinary, hasOption } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { accessOf } from '@morag/auth';
import { http } from '@morag/gen/google/api/annotations_pb.ts';

/** The services behind the gateway, by the second part of their proto package `morag.<service>.v1`. */
export const BACKENDS = ['identity', 'servers', 'documents', 'memory'] as const;
/** See BACKENDS. */
export type Backend = (typeof BACKENDS)[number];

/** A method that REST may call, and who answers it. */
export interface PublishedMethod {
  readonly method: DescMethod;
  readonly backend: Backend;
}

/** The contracts as the gateway reads them: every type, and every method that REST may call. */
export interface Contracts {
  readonly registry: FileRegistry;
  readonly methods: readonly PublishedMethod[];
}

/**
 * Reads the descriptor set of libs/gen. Comments (most of its size) are only kept when asked for: routing has no use for
 * them.
 */
export function loadContracts({ comments = false } = {}): Contracts {
  const path = createRequire(import.meta.url).resolve('@morag/gen/morag.binpb');
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(path));
  if (!comments) for (const file of set.file) file.sourceCodeInfo = undefined;
  const registry = createFileRegistry(set);
  return { registry, methods: publishedMethods(registry) };
}

/** Long-running operations are a contract of Google's; all there are belong to databases. */
const OPERATIONS_PACKAGE = 'google.longrunning';

/** Who answers the services of a proto package; undefined for packages of types alone. */
function backendOf(protoPackage: string): Backend | undefined {
  if (protoPackage === OPERATIONS_PACKAGE) return 'servers';
  return BACKENDS.find((name) => protoPackage.startsWith(`morag.${name}.`));
}

/** Methods with a `google.api.http` rule, without those that only services may call. */
function publishedMethods(registry: FileRegistry): PublishedMethod[] {
  const found: PublishedMethod[] = [];
  for (const file of registry.files) {
    const backend = backendOf(file.proto.package);
    if (backend === undefined) continue;
    for (const method of file.services.flatMap(({ methods }) => methods)) {
      if (hasOption(method, http) && accessOf(method).rule.case !== 'internal') found.push({ method, backend });
    }
  }
  return found;
}
