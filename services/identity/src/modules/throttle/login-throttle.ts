import { hash } from 'node:crypto';
import { networkOf } from '@morag/auth';
import { DomainError } from '@morag/errors';
import type { Database } from '@morag/orm';

/** Who tries to sign in, from where. */
export interface Attempt {
  readonly email: string;
  readonly address: string;
}

/** How many attempts may fail, in how many seconds. */
interface Bound {
  readonly attemptsMax: number;
  readonly seconds: number;
}

/** Bounds of failed log-ins. */
export interface ThrottleBounds {
  /** Of one account from one network: what guesses by hand, or a script on one machine. */
  readonly pair: Bound;
  /** Of all accounts from one network: what tries one password on many accounts. */
  readonly network: Bound;
  /** Of one account from everywhere (NIST SP 800-63B: at most 100): what has many machines. */
  readonly account: Bound;
}

const BOUNDS: ThrottleBounds = {
  pair: { attemptsMax: 10, seconds: 900 },
  network: { attemptsMax: 300, seconds: 900 },
  account: { attemptsMax: 100, seconds: 86_400 },
};

/** Slows down who guesses passwords, and nobody else. */
export interface LoginThrottle {
  /** Counts an attempt before it is looked at, so that many at once are counted too; RATE_LIMITED beyond a bound. */
  enter(attempt: Attempt): Promise<void>;
  /** The attempt succeeded: it, and those before it, were the owner's own. */
  succeeded(attempt: Attempt): Promise<void>;
  /** Forgets windows that are over. */
  sweep(): Promise<void>;
}

type Counted = keyof ThrottleBounds;
const COUNTED: readonly Counted[] = ['account', 'network', 'pair'];

/**
 * Counts in PostgreSQL, for all instances together. Whether an account exists makes no difference. An account that is
 * tried from everywhere is closed to strangers only: a network from which its owner has signed in before may go on, so
 * that nobody is locked out of what is theirs by another's guesses.
 */
export function createLoginThrottle(db: Database, bounds: ThrottleBounds = BOUNDS): LoginThrottle {
  const subjectsOf = ({ email, address }: Attempt): Record<Counted, string> => {
    const [account, network] = [email.toLowerCase(), networkOf(address)];
    return {
      account: digest(['account', account]),
      network: digest(['network', network]),
      pair: digest(['pair', account, network]),
    };
  };
  return {
    async enter(attempt) {
      const subjects = subjectsOf(attempt);
      const rows = await db.write<Window>(COUNT, [
        COUNTED.map((counted) => subjects[counted]),
        COUNTED.map((counted) => bounds[counted].seconds),
      ]);
      const exceeded = COUNTED.flatMap((counted) => {
        const window = rows.find(({ subject }) => subject === subjects[counted]);
        return window && window.attempts > bounds[counted].attemptsMax ? [{ ...window, counted }] : [];
      });
      const [first] = exceeded;
      if (!first) return;
      const isOnlyAccount = exceeded.every(({ counted }) => counted === 'account');
      if (isOnlyAccount && (await hasSignedInFrom(db, attempt))) return;
      throw new DomainError('RATE_LIMITED', 'Too many failed sign-ins; try again later.', {
        retryAfterMs: Math.max(...exceeded.map(({ leftMs }) => leftMs)),
      });
    },
    async succeeded(attempt) {
      const { account, network, pair } = subjectsOf(attempt);
      await db.write(
        `with own as (delete from identity.login_attempts where subject = any($1))
         update identity.login_attempts set attempts = greatest(attempts - 1, 0) where subject = $2`,
        [[account, pair], network],
      );
    },
    async sweep() {
      await db.write('delete from identity.login_attempts where until < now()');
    },
  };
}

interface Window {
  readonly subject: string;
  readonly attempts: number;
  readonly leftMs: number;
}

/** Rows in the order of their key, so that attempts at once never wait for each other crosswise. */
const COUNT = `
  insert into identity.login_attempts as known (subject, attempts, until)
  select subject, 1, now() + seconds * interval '1 second'
    from unnest($1::text[], $2::int[]) as given(subject, seconds) order by subject
  on conflict (subject) do update set
    attempts = case when known.until < now() then 1 else known.attempts + 1 end,
    until = case when known.until < now() then excluded.until else known.until end
  returning subject, attempts, (extract(epoch from until - now()) * 1000)::int as "leftMs"`;

async function hasSignedInFrom(db: Database, { email, address }: Attempt): Promise<boolean> {
  const rows = await db.read<{ address: string }>(
    `select distinct s.address from identity.sessions s join identity.users u on u.id = s.user_id
      where lower(u.email) = lower($1) limit 1000`,
    [email],
  );
  const network = networkOf(address);
  return rows.some((row) => networkOf(row.address) === network);
}

function digest(parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url');
}
