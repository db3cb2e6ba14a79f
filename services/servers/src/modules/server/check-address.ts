import { type Egress, EgressDenied, parseHost } from '@morag/egress';
import { DomainError, type Violation } from '@morag/errors';
import type { Vendors } from '../connector/vendors.ts';
import type { ServerAddress } from './server.ts';

/** See checkAddress. */
export interface CheckAddressDeps {
  readonly vendors: Vendors;
  readonly egress: Egress;
}

type Address = Pick<ServerAddress, 'type' | 'host' | 'port' | 'config'>;

/**
 * Whether a server may be registered so: as `checkSyntax`, and HOST_NOT_ALLOWED for an address that is never connected
 * to. Names are not resolved: they may exist later, and each connection checks again what they lead to.
 */
export async function checkAddress(deps: CheckAddressDeps, address: Address): Promise<void> {
  await checkSyntax(deps, address);
  if (isHostName(address.host)) return;
  try {
    await deps.egress.resolve(address.host, address.port);
  } catch (error) {
    throw error instanceof EgressDenied ? hostNotAllowed(error) : error;
  }
}

/** INVALID_ARGUMENT for a host that is none, INVALID_SERVER_CONFIG for an option that the vendor does not have. */
export async function checkSyntax({ vendors }: Pick<CheckAddressDeps, 'vendors'>, address: Address): Promise<void> {
  isHostName(address.host);
  const violations = await vendors.checkConfig(address.type, address.config);
  if (violations.length > 0) throw invalidConfig(violations);
}

function isHostName(host: string): boolean {
  try {
    return typeof parseHost(host) === 'string';
  } catch (error) {
    if (!(error instanceof EgressDenied)) throw error;
    const description = 'must be a host name or an address, without scheme, port or path';
    throw new DomainError('INVALID_ARGUMENT', `host ${description}.`, {
      violations: [{ field: 'server.host', description }],
    });
  }
}

function hostNotAllowed(error: EgressDenied): DomainError {
  return new DomainError('HOST_NOT_ALLOWED', error.message, {
    violations: [{ field: 'server.host', description: 'is not allowed by this installation' }],
    cause: error,
  });
}

function invalidConfig(violations: readonly Violation[]): DomainError {
  const text = violations.map(({ field, description }) => `${field} ${description}`).join('; ');
  return new DomainError('INVALID_SERVER_CONFIG', `The configuration is not valid: ${text}.`, {
    violations: violations.map(({ field, description }) => ({ field: `server.${field}`, description })),
  });
}
