import type { AccessTokens } from '@morag/auth';
import { DomainError } from '@morag/errors';
import type { Database, Em } from '@morag/orm';
import type { PasswordHasher } from '../password/password-hasher.ts';
import { insertRevocation } from '../revocation/revocation.store.ts';
import type { RevocationPublisher } from '../revocation/revocation-publisher.ts';
import type { LoginThrottle } from '../throttle/login-throttle.ts';
import type { RefreshTokens } from '../token/refresh-token.ts';
import { readLogin, type UserRow } from '../user/user.store.ts';
import { advanceSession, endSessions, insertSession, type OpenSession } from './session.store.ts';

/** What signing in and out needs. */
export interface SessionDeps {
  readonly db: Database;
  readonly hasher: PasswordHasher;
  readonly accessTokens: AccessTokens;
  readonly refreshTokens: RefreshTokens;
  readonly revocations: RevocationPublisher;
  readonly throttle: LoginThrottle;
  readonly accessTtlSeconds: number;
  readonly sessionTtlHours: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Where a caller signs in from. */
export interface Client {
  readonly device: string;
  readonly address: string;
}

/** The pair of tokens that a log-in or a refresh gives. */
export interface SignedIn {
  readonly user: UserRow;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresInSeconds: number;
}

const DEVICE_CHARS_MAX = 200;

/** Opens a session. Unknown address, wrong password and disabled user are one answer, after the same work. */
export async function login(
  deps: SessionDeps,
  input: {
    readonly email: string;
    readonly password: string;
    readonly client: Client;
    readonly onFound?: (userId: string) => void;
  },
  signal: AbortSignal,
): Promise<SignedIn> {
  const attempt = { email: input.email, address: input.client.address };
  // Beside each other, as nothing is done with what is found before the attempt is let in.
  const [found] = await Promise.all([readLogin(deps.db, input.email), deps.throttle.enter(attempt)]);
  // Whose account is tried is for the audit log alone.
  if (found) input.onFound?.(found.id);
  const matches = await deps.hasher.verify(found?.passwordHash, input.password, signal);
  const device = input.client.device.slice(0, DEVICE_CHARS_MAX);
  const opened =
    found && matches
      ? await deps.db.transaction(
          async (em) => {
            const { id: userId, passwordHash: verifiedHash } = found;
            const { address } = input.client;
            const session = await insertSession(em, {
              userId,
              verifiedHash,
              device,
              address,
              expiresAt: sessionEnd(deps),
            });
            return session && { session, atMs: deps.now() };
          },
          { signal, isChange: (made) => made !== undefined },
        )
      : undefined;
  if (!opened) throw new DomainError('WRONG_CREDENTIALS', 'The e-mail address or the password is wrong.');
  const [signedIn] = await Promise.all([signIn(deps, opened.session, opened.atMs), deps.throttle.succeeded(attempt)]);
  return signedIn;
}

/** Exchanges a refresh token. One that was used before is stolen or was stolen: its whole session ends. */
export async function refresh(
  deps: SessionDeps,
  input: { readonly refreshToken: string; readonly address: string },
  signal: AbortSignal,
): Promise<SignedIn> {
  const claim = deps.refreshTokens.decode(input.refreshToken);
  if (!claim) throw new DomainError('UNAUTHENTICATED', 'The refresh token is not valid.');
  const { advance, atMs } = await deps.db.transaction(
    async (em) => {
      const result = await advanceSession(em, { ...claim, address: input.address, expiresAt: sessionEnd(deps) });
      if (result.kind === 'reused') {
        await endSessions(em, result.userId, { only: claim.sessionId });
        await revoke(deps, em, result.userId, claim.sessionId);
      }
      return { advance: result, atMs: deps.now() };
    },
    // The end of a session whose token came back is no refresh.
    { signal, isChange: (result) => result.advance.kind === 'advanced' },
  );
  switch (advance.kind) {
    case 'advanced':
      return signIn(deps, advance, atMs);
    case 'reused':
      await deps.revocations.publish();
      throw new DomainError('REFRESH_TOKEN_REUSED', 'This refresh token was used before; sign in again.');
    case 'ended':
      throw new DomainError('UNAUTHENTICATED', 'The session has ended; sign in again.');
  }
}

/** Ends one session of a user, or all of them; resolves when their access tokens are refused. */
export async function endUserSessions(
  deps: SessionDeps,
  input: { readonly userId: string; readonly only?: string; readonly except?: string },
  signal: AbortSignal,
): Promise<string[]> {
  const ended = await deps.db.transaction((em) => endSessionsIn(em, deps, input), {
    signal,
    isChange: (ids) => ids.length > 0,
  });
  await deps.revocations.publish();
  return ended;
}

/** The same in a transaction of the caller's, who publishes the revocations once it is committed. */
export async function endSessionsIn(
  em: Em,
  deps: Pick<SessionDeps, 'now' | 'accessTtlSeconds'>,
  input: { readonly userId: string; readonly only?: string | undefined; readonly except?: string | undefined },
): Promise<string[]> {
  const ids = await endSessions(em, input.userId, input);
  for (const id of ids) await revoke(deps, em, input.userId, id);
  return ids;
}

async function revoke(deps: Pick<SessionDeps, 'now' | 'accessTtlSeconds'>, em: Em, userId: string, sessionId: string) {
  await insertRevocation(em, { userId, sessionId, nowMs: deps.now(), ttlSeconds: deps.accessTtlSeconds });
}

/**
 * The tokens date from when the user and the session were looked at and could not change: a revocation that came after
 * that covers them, however late they are made.
 */
async function signIn(
  deps: SessionDeps,
  { user, sessionId, generation }: OpenSession,
  atMs: number,
): Promise<SignedIn> {
  const accessToken = await deps.accessTokens.issue({ userId: user.id, sessionId, role: user.role }, atMs);
  const refreshToken = deps.refreshTokens.encode({ sessionId, generation });
  return { user, accessToken, refreshToken, expiresInSeconds: deps.accessTtlSeconds };
}

function sessionEnd({ now, sessionTtlHours }: SessionDeps): Date {
  return new Date(now() + sessionTtlHours * 3_600_000);
}
