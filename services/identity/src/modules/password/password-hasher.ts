import { DomainError } from '@morag/errors';
import { hash, verify } from '@node-rs/argon2';

/** Argon2id (algorithm 2) as OWASP's password storage cheat sheet recommends it: 19 MiB, two passes, one lane. */
const ARGON2 = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Hashes and verifies passwords, a bounded number at once: each takes 19 MiB and about 10 ms of a core. */
export interface PasswordHasher {
  /** PHC string of a new random salt. */
  hash(password: string, signal: AbortSignal): Promise<string>;
  /** Whether the password is the one; without a hash it takes as long and answers false. */
  verify(hash: string | undefined, password: string, signal: AbortSignal): Promise<boolean>;
}

/** What waits beyond `queueMax` is refused with OVERLOADED, so that a flood of log-ins cannot take the process down. */
export function createPasswordHasher({ concurrency = 2, queueMax = 256 } = {}): PasswordHasher {
  const waiting: (() => void)[] = [];
  let running = 0;
  let decoy: Promise<string> | undefined;

  async function bounded<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    if (running >= concurrency) {
      if (waiting.length >= queueMax)
        throw new DomainError('OVERLOADED', 'Too many sign-ins at once.', { retryAfterMs: 1000 });
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  }

  return {
    hash: (password, signal) => bounded(() => hash(password, ARGON2), signal),
    verify: (stored, password, signal) =>
      bounded(async () => {
        decoy ??= hash(crypto.randomUUID(), ARGON2);
        const matches = await verify(stored ?? (await decoy), password);
        return matches && stored !== undefined;
      }, signal),
  };
}
