import { describe, expect, it } from '@jest/globals';
import { createClientAddress, inProcessAddress, TRUSTED_PROXIES } from './client-address.ts';

const GATEWAY = '10.0.0.7';
const addressOf = createClientAddress([...TRUSTED_PROXIES, `${GATEWAY}/32`]);

describe('the address of a client', () => {
  it.each([
    ['a stranger who claims another', '192.0.2.1', '127.0.0.1', '192.0.2.1'],
    ['the gateway for a client', GATEWAY, '192.0.2.9', '192.0.2.9'],
    ['the gateway over a dual-stack socket', `::ffff:${GATEWAY}`, '192.0.2.9', '192.0.2.9'],
    ['loopback for a client', '127.0.0.1', '2001:db8::1', '2001:db8::1'],
    ['a proxy that added to a list', GATEWAY, '6.6.6.6, 192.0.2.9', '192.0.2.9'],
    ['a proxy that says nonsense', GATEWAY, 'unknown', GATEWAY],
    ['the gateway for nobody', GATEWAY, null, GATEWAY],
  ])('of %s', (_case, peer, forwarded, expected) => {
    expect(addressOf(peer, forwarded)).toBe(expected);
  });

  it('in process is what the system itself says, or loopback', () => {
    expect(inProcessAddress(new Headers({ 'x-forwarded-for': '192.0.2.9' }))).toBe('192.0.2.9');
    expect(inProcessAddress(new Headers())).toBe('127.0.0.1');
  });
});
