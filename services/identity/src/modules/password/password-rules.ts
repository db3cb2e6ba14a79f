import { DomainError } from '@morag/errors';

/** NIST SP 800-63B: length and a list of common passwords; no rules of composition. */
export const PASSWORD_LENGTH_MIN = 8;

let common: Promise<ReadonlySet<string>> | undefined;

/** About 30,000 passwords from leaks; loaded with the first password that is set. */
function commonPasswords(): Promise<ReadonlySet<string>> {
  common ??= import('@zxcvbn-ts/language-common').then(
    ({ dictionary }) => new Set<string>(dictionary.passwords.map(String)),
  );
  return common;
}

/** Refuses a password that is too short, common, or the user's own name or address, with WEAK_PASSWORD naming `field`. */
export async function requireStrongPassword(
  password: string,
  { field, email, name }: { field: string; email: string; name: string },
): Promise<void> {
  const folded = password.toLowerCase();
  const personal = [email, email.split('@')[0] ?? '', name].map((text) => text.toLowerCase());
  const fault =
    [...password].length < PASSWORD_LENGTH_MIN
      ? `must have at least ${PASSWORD_LENGTH_MIN} characters`
      : (await commonPasswords()).has(folded)
        ? 'is one of the most common passwords'
        : personal.includes(folded)
          ? 'must not be your name or address'
          : undefined;
  if (fault) {
    throw new DomainError('WEAK_PASSWORD', `The password ${fault}.`, { violations: [{ field, description: fault }] });
  }
}
