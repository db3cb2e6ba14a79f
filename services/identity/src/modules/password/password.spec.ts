import { describe, expect, it } from '@jest/globals';
import { createPasswordHasher } from './password-hasher.ts';
import { requireStrongPassword } from './password-rules.ts';

const signal = AbortSignal.timeout(20_000);

describe('password hasher', () => {
  it('makes Argon2id strings of a salt each and knows the password again', async () => {
    const hasher = createPasswordHasher();
    const [one, two] = await Promise.all([hasher.hash('correct horse', signal), hasher.hash('correct horse', signal)]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect(await hasher.verify(one, 'correct horse', signal)).toBe(true);
    expect(await hasher.verify(one, 'correct house', signal)).toBe(false);
  });

  it('knows all of a long password, as it was given', async () => {
    const hasher = createPasswordHasher();
    const long = `${'ä'.repeat(120)} Pass 1`;
    const hashed = await hasher.hash(long, signal);
    const tries = [long, long.slice(0, -1), long.toLowerCase(), ` ${long}`, long.normalize('NFD')];
    const answers = await Promise.all(tries.map((given) => hasher.verify(hashed, given, signal)));
    expect(answers).toEqual([true, false, false, false, false]);
  });

  it('answers false for a user that does not exist, whatever the password', async () => {
    expect(await createPasswordHasher().verify(undefined, 'anything at all', signal)).toBe(false);
  });

  it('refuses what does not fit into the queue', async () => {
    const hasher = createPasswordHasher({ concurrency: 1, queueMax: 1 });
    const results = await Promise.allSettled([1, 2, 3].map(() => hasher.hash('correct horse', signal)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(results[2]).toMatchObject({ reason: { reason: 'OVERLOADED' } });
  });
});

describe('password rules', () => {
  const who = { field: 'password', email: 'greta@example.org', name: 'Greta Hall' };

  it.each(['short', 'password', 'Password1', 'greta@example.org', 'Greta Hall'])('refuses %s', async (password) => {
    await expect(requireStrongPassword(password, who)).rejects.toMatchObject({
      reason: 'WEAK_PASSWORD',
      violations: [{ field: 'password' }],
    });
  });

  it('takes a long one without digits or signs', async () => {
    await expect(requireStrongPassword('four calm words here', who)).resolves.toBeUndefined();
  });
});
