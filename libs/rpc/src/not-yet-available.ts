import type { DescService } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { DomainError } from '@morag/errors';

const unavailable = new WeakSet<object>();

/**
 * Handlers for methods that are part of the contract and not of this version: UNIMPLEMENTED with NOT_YET_AVAILABLE,
 * whatever the request holds. To be spread beside the real handlers; each service keeps one list of them.
 */
export function notYetAvailable<Desc extends DescService, Name extends keyof Desc['method'] & string>(
  service: Desc,
  methods: readonly Name[],
): Pick<ServiceImpl<Desc>, Name> {
  const handlers = methods.map((name) => {
    const handler = (): never => {
      throw new DomainError(
        'NOT_YET_AVAILABLE',
        `${service.typeName}/${service.method[name]?.name} is part of the contract, but not of this version.`,
      );
    };
    unavailable.add(handler);
    return [name, handler] as const;
  });
  return Object.fromEntries(handlers) as unknown as Pick<ServiceImpl<Desc>, Name>;
}

/** True for a handler made by `notYetAvailable`. */
export function isNotYetAvailable(handler: object): boolean {
  return unavailable.has(handler);
}
