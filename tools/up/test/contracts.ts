import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createFileRegistry, type DescMethod, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { accessOf } from '@morag/auth';

/** The services that run in this version, by the second part of their proto package. */
export const SERVICES = ['identity', 'servers', 'documents'] as const;
/** See SERVICES. */
export type ServiceName = (typeof SERVICES)[number];

/** A method of a service that runs, and who may call it. */
export interface Rpc {
  readonly service: ServiceName;
  /** `ServerService/CreateServer`. */
  readonly name: string;
  readonly method: DescMethod;
  readonly access: 'public' | 'authenticated' | 'permission' | 'internal';
  /** Where access takes one. */
  readonly permission: string;
}

/** All contracts. */
export const CONTRACTS = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync(createRequire(import.meta.url).resolve('@morag/gen/morag.binpb'))),
);

/** Every method of every service that runs, from the contracts alone: a new one is tested without being named anywhere. */
export function listRpcs(): readonly Rpc[] {
  const found: Rpc[] = [];
  for (const file of CONTRACTS.files) {
    const service = serviceOf(file.proto.package);
    if (service === undefined) continue;
    for (const method of file.services.flatMap(({ methods }) => methods)) found.push(describeRpc(service, method));
  }
  return found;
}

/** Who answers to what a package of contracts holds; operations are those of databases. */
function serviceOf(name: string): ServiceName | undefined {
  if (name === 'google.longrunning') return 'servers';
  return SERVICES.find((service) => name.startsWith(`morag.${service}.`));
}

function describeRpc(service: ServiceName, method: DescMethod): Rpc {
  const { rule } = accessOf(method);
  if (rule.case === undefined) throw new Error(`${method.name} does not say who may call it`);
  return {
    service,
    name: `${method.parent.name}/${method.name}`,
    method,
    access: rule.case,
    permission: rule.case === 'permission' ? rule.value : '',
  };
}
