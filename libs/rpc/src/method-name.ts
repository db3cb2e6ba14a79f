import type { DescMethod, DescService } from '@bufbuild/protobuf';

const names = new WeakMap<DescMethod, string>();

/** `morag.servers.v1.ServerService/ListServers`: the name in logs, metrics, audit and idempotency. */
export function methodName(method: DescMethod): string {
  let name = names.get(method);
  if (name === undefined) {
    name = `${method.parent.typeName}/${method.name}`;
    names.set(method, name);
  }
  return name;
}

/** Those names of some methods of a service. */
export function methodNames<Desc extends DescService>(
  service: Desc,
  methods: readonly (keyof Desc['method'] & string)[],
): string[] {
  return service.methods.filter(({ localName }) => methods.includes(localName)).map(methodName);
}

/** Health and reflection: the host's own services, open to everybody and never refused for load. */
export function isInfrastructure(method: DescMethod): boolean {
  return method.parent.file.proto.package.startsWith('grpc.');
}

/** An RPC that by its contract never ends by itself. Such streams are told to go at once when the service stops. */
export function isEndless(method: DescMethod): boolean {
  return method.methodKind === 'server_streaming' && method.name.startsWith('Watch');
}
