import { randomUUID } from 'node:crypto';
import { type Client, ConnectError, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { networkOf } from '@morag/auth';
import { RetryInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { type Harness, reasonFor, startIdentity } from './harness.ts';

let harness: Harness;
let auth: Client<typeof AuthService>;

beforeAll(async () => {
  harness = await startIdentity();
  auth = createClient(AuthService, harness.transport);
});
afterAll(() => harness.close());

const login = (email: string, password: string, address: string) =>
  auth.login({ email, password }, { headers: { 'x-forwarded-for': address } });

/** How many of so many wrong guesses at once were looked at; the rest was refused. */
async function guesses(emails: readonly string[], addressOf: (n: number) => string): Promise<number> {
  const reasons = await Promise.all(emails.map((email, n) => reasonFor(login(email, 'a wrong one', addressOf(n)))));
  const counted = reasons.filter((reason) => reason === 'WRONG_CREDENTIALS').length;
  expect(reasons.filter((reason) => reason === 'RATE_LIMITED')).toHaveLength(emails.length - counted);
  return counted;
}

describe('wrong guesses', () => {
  it.each(['known', 'unknown'])(
    'at one %s account from one place are ten, and tell when to come back',
    async (which) => {
      const email = which === 'known' ? (await harness.newUser()).email : `${randomUUID()}@example.org`;
      const address = which === 'known' ? '192.0.2.1' : '192.0.2.2';
      expect(await guesses(Array<string>(30).fill(email), () => address)).toBe(10);
      const error = ConnectError.from(await login(email, 'x', address).catch((thrown: unknown) => thrown));
      const [retry] = error.findDetails(RetryInfoSchema);
      expect(Number(retry?.retryDelay?.seconds)).toBeGreaterThan(800);
    },
  );

  it('do not lock out the owner, who comes from elsewhere', async () => {
    const { email, password } = await harness.newUser();
    await guesses(Array<string>(15).fill(email), () => '192.0.2.10');
    expect(await reasonFor(login(email, password, '192.0.2.10'))).toBe('RATE_LIMITED');
    expect(await reasonFor(login(email, password, '192.0.2.11'))).toBe('no error');
  });

  it('are forgiven to an owner who gets it right in the end', async () => {
    const { email, password } = await harness.newUser();
    for (let round = 0; round < 3; round += 1) {
      expect(await guesses(Array<string>(9).fill(email), () => '192.0.2.20')).toBe(9);
      expect(await reasonFor(login(email, password, '192.0.2.20'))).toBe('no error');
    }
  });

  it('at one account from many places end for strangers, not for where the owner was before', async () => {
    const { email, password } = await harness.newUser();
    await login(email, password, '198.51.100.1');
    expect(await guesses(Array<string>(130).fill(email), (n) => `203.0.113.${n}`)).toBe(100);
    expect(await reasonFor(login(email, password, '198.51.100.2'))).toBe('RATE_LIMITED');
    expect(await reasonFor(login(email, password, '198.51.100.1'))).toBe('no error');
  }, 60_000);

  it('at many accounts from one network are three hundred', async () => {
    let counted = 0;
    // As many at once as the queue of the hasher takes.
    for (let round = 0; round < 3; round += 1) {
      const emails = Array.from({ length: 110 }, () => `${randomUUID()}@example.org`);
      counted += await guesses(emails, (n) => `2001:db8:1:2::${n.toString(16)}`);
    }
    expect(counted).toBe(300);
  }, 120_000);
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:0db8:0000:0000::/64'],
  ['2001:DB8:1:2:3:4:5:6', '2001:0db8:0001:0002::/64'],
  ['::1', '0000:0000:0000:0000::/64'],
])('the network of %s is %s', (address, expected) => {
  expect(networkOf(address)).toBe(expected);
});
