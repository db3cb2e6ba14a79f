import { describe, expect, it } from '@jest/globals';
import { parseHost, urlHost } from './address.ts';
import { createPolicy } from './policy.ts';

const OWN = [
  { host: '127.0.0.1', port: 7432 },
  { host: '0.0.0.0', port: 7002 },
  { host: '10.1.2.3', port: 7003 },
];
const published = createPolicy({ allow: ['10.0.0.0/8', 'fd12::/16'], deny: OWN, embedded: false });
const embedded = createPolicy({ allow: [], deny: OWN, embedded: true });

/** The decision for a host that needs no resolver. */
function decide(policy: typeof published, host: string, port = 8000): string | undefined {
  return policy(parseHost(host).toString(), port);
}

const LOOPBACK = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '127.255.255.254',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '::1',
  '[::1]',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::127.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::7f00:1',
  '127。0。0。1',
  '１２７.0.0.1',
];

describe('createPolicy', () => {
  it.each(LOOPBACK)('denies loopback spelt %s unless embedded', (host) => {
    expect(decide(published, host)).toContain('loopback');
    expect(decide(embedded, host)).toBeUndefined();
  });

  it.each(LOOPBACK)('denies the own port under %s also when embedded', (host) => {
    expect(decide(embedded, host, 7432)).toContain('own ports');
    expect(decide(embedded, host, 7002)).toContain('own ports');
  });

  it.each([
    '169.254.169.254',
    '0xa9fea9fe',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    'fe80::1',
    'fd00:ec2::254',
    '100.100.100.200',
    '168.63.129.16',
    '2002:a9fe:a9fe::',
    '2002:7f00:1::',
    '64:ff9b:1::7f00:1',
    '2001:0:7f00:1::',
    '::ffff:0:127.0.0.1',
    '0.0.0.0',
    '0',
    '::',
    '224.0.0.1',
    'ff02::1',
    '255.255.255.255',
    '240.0.0.1',
  ])('always denies %s', (host) => {
    expect(decide(published, host)).toMatch(/address|metadata/);
    expect(decide(embedded, host)).toMatch(/address|metadata/);
  });

  it.each(['192.168.1.1', '172.16.0.1', '100.64.0.1', 'fd99::1'])('denies the private %s unless embedded', (host) => {
    expect(decide(published, host)).toContain('MORAG_EGRESS_ALLOW');
    expect(decide(embedded, host)).toBeUndefined();
  });

  it.each(['10.1.2.3', '::ffff:10.1.2.3', 'fd12::1', '93.184.216.34', '2606:2800:220:1::1', '64:ff9b::5db8:d822'])(
    'allows %s',
    (host) => {
      expect(decide(published, host)).toBeUndefined();
    },
  );

  it('denies an own service at the address it was given', () => {
    expect(decide(published, '10.1.2.3', 7003)).toContain('own ports');
    expect(decide(published, '10.1.2.4', 7003)).toBeUndefined();
  });

  it('refuses a CIDR that is none', () => {
    expect(() => createPolicy({ allow: ['10.0.0.0/33'], embedded: false })).toThrow('CIDR');
  });
});

describe('parseHost', () => {
  it.each([
    '',
    '.',
    'user@host',
    'host:80',
    'host/path',
    'host?x',
    'host#x',
    'a\r\nb',
    'a b',
    '-a',
    'a..b',
    '1.2.3.4.5',
    '08.0.0.1',
    '256.0.0.1',
    'host.0x7f',
    '[::1',
    `${'a'.repeat(64)}.com`,
    'a.'.repeat(128),
  ])('denies %j', (host) => {
    expect(() => parseHost(host)).toThrow(expect.objectContaining({ name: 'EgressDenied' }));
  });

  it.each([
    ['Example.COM.', 'example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['my_service', 'my_service'],
  ])('reads %s as %s', (host, name) => {
    expect(parseHost(host)).toBe(name);
  });
});

describe('urlHost', () => {
  it.each([
    ['::1', '[::1]'],
    ['[::1]', '[::1]'],
    ['127.0.0.1', '127.0.0.1'],
    ['db.example', 'db.example'],
  ])('writes %s as %s', (host, written) => {
    expect(urlHost(host)).toBe(written);
    expect(new URL(`http://${urlHost(host)}:8000`).host).toBe(`${written}:8000`);
  });
});
