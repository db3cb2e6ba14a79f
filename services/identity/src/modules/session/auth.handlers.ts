import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { requirePrincipal } from '@morag/auth';
import { DomainError } from '@morag/errors';
import {
  AuthService,
  type LoginResponse,
  LoginResponseSchema,
  RevocationSchema,
  SessionSchema,
} from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import type { Cursor } from '@morag/orm';
import { auditNoteKey, methodName, type PageTokens, peerAddressKey } from '@morag/rpc';
import type { RevocationRow } from '../revocation/revocation.store.ts';
import type { SigningKeys } from '../token/signing-keys.ts';
import { type CreateUserDeps, register } from '../user/create-user.ts';
import { toUser } from '../user/user.mapping.ts';
import { listSessions } from './list-sessions.ts';
import { endUserSessions, login, refresh, type SessionDeps, type SignedIn } from './login.ts';

/** What the handlers of sessions need. */
export type AuthDeps = CreateUserDeps &
  SessionDeps & { readonly pageTokens: PageTokens; readonly signingKeys: Pick<SigningKeys, 'published'> };

/** AuthService over the use cases. */
export function authHandlers(deps: AuthDeps): ServiceImpl<typeof AuthService> {
  return {
    async register({ name, email, password }, context) {
      return toUser(await register(deps, { name, email, password }, context.signal));
    },
    async login({ email, password }, context) {
      const input = { email, password, client: clientOf(context), onFound: noteOwner(context) };
      return toLoginResponse(await login(deps, input, context.signal));
    },
    async refresh({ refreshToken }, context) {
      const { address } = clientOf(context);
      return toLoginResponse(await refresh(deps, { refreshToken, address }, context.signal));
    },
    async logout({ all }, context) {
      const { userId, sessionId } = requirePrincipal(context);
      if (sessionId !== undefined)
        await endUserSessions(deps, all ? { userId } : { userId, only: sessionId }, context.signal);
      return {};
    },
    getJwks: () => ({ keys: deps.signingKeys.published().map((key) => ({ ...key })) }),
    async *watchRevocations(_request, context) {
      for await (const { revocations, snapshotComplete } of deps.revocations.watch(context.signal)) {
        const sequence = revocations.at(-1)?.sequence ?? 0n;
        yield { revocations: revocations.map(toRevocation), sequence, snapshotComplete };
      }
    },
    async listSessions({ pageSize, pageToken }, context) {
      const { userId, sessionId } = requirePrincipal(context);
      const binding = { caller: userId, method: methodName(AuthService.method.listSessions), query: {} };
      const cursor = deps.pageTokens.decode<Cursor>(binding, pageToken);
      const page = await listSessions(deps, userId, { pageSize, cursor });
      return {
        sessions: page.rows.map((row) =>
          create(SessionSchema, {
            id: row.id,
            device: row.device,
            address: row.address,
            createTime: timestampFromDate(row.createdAt),
            lastUseTime: timestampFromDate(row.lastUsedAt),
            expireTime: timestampFromDate(row.expiresAt),
            current: row.id === sessionId,
          }),
        ),
        nextPageToken: page.next ? deps.pageTokens.encode(binding, page.next) : '',
      };
    },
    async revokeSession({ sessionId }, context) {
      const { userId } = requirePrincipal(context);
      const ended = await endUserSessions(deps, { userId, only: sessionId.toLowerCase() }, context.signal);
      if (ended.length === 0) throw new DomainError('SESSION_NOT_FOUND', 'There is no such open session.');
      return {};
    },
    listPermissions(_request, context) {
      return { permissions: [...requirePrincipal(context).permissions].sort() };
    },
  };
}

function clientOf(context: HandlerContext): { device: string; address: string } {
  return { device: context.requestHeader.get('user-agent') ?? '', address: context.values.get(peerAddressKey) };
}

/** For the audit log: whose account is tried, also where the log-in fails. */
function noteOwner({ values }: HandlerContext): (userId: string) => void {
  return (userId) => {
    const note = values.get(auditNoteKey);
    if (note) note.ownerId = userId;
  };
}

function toLoginResponse({ user, accessToken, refreshToken, expiresInSeconds }: SignedIn): LoginResponse {
  return create(LoginResponseSchema, { accessToken, refreshToken, expiresIn: expiresInSeconds, user: toUser(user) });
}

function toRevocation({ sequence, userId, sessionId, notAfter, expiresAt }: RevocationRow) {
  return create(RevocationSchema, {
    sequence,
    userId,
    sessionId: sessionId ?? '',
    notAfterTime: timestampFromDate(notAfter),
    expireTime: timestampFromDate(expiresAt),
  });
}
