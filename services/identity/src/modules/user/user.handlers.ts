import { create } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { requirePrincipal } from '@morag/auth';
import { type User, UserSchema } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { ListUsersResponseSchema, UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import type { Cursor } from '@morag/orm';
import { auditNoteKey, methodName, type PageTokens, peerAddressKey, updatedFields, withoutSecrets } from '@morag/rpc';
import type { SessionDeps } from '../session/login.ts';
import { changePassword } from './change-password.ts';
import { type CreateUserDeps, createUser } from './create-user.ts';
import { listUsers } from './list-users.ts';
import { deleteUser, type UserChanges, updateUser } from './update-user.ts';
import { fromRole, toUser } from './user.mapping.ts';
import { readUser, userNotFound } from './user.store.ts';
import { resolveUserId } from './user-access.ts';

/** What the handlers of users need. */
export type UserDeps = CreateUserDeps & SessionDeps & { readonly pageTokens: PageTokens };

/** UserService over the use cases. */
export function userHandlers(deps: UserDeps): ServiceImpl<typeof UserService> {
  return {
    async createUser(request, context) {
      const { name, email, password, avatarUrl, role } = request.user ?? create(UserSchema);
      const asked = { name, email, password, avatarUrl: avatarUrl || null, role: fromRole(role) };
      const input = { ...asked, passwordField: 'user.password' };
      return toUser(await createUser(deps, input, context.signal));
    },
    async getUser(request, context) {
      return toUser(await readUser(deps.db, resolveUserId(requirePrincipal(context), request.userId)));
    },
    async listUsers(request, context) {
      const { pageSize, pageToken, filter, orderBy } = request;
      const binding = {
        caller: requirePrincipal(context).userId,
        method: methodName(UserService.method.listUsers),
        query: { filter, orderBy },
      };
      const cursor = deps.pageTokens.decode<Cursor>(binding, pageToken);
      const page = await listUsers(deps, { pageSize, cursor, filter, orderBy });
      return create(ListUsersResponseSchema, {
        users: page.rows.map(toUser),
        nextPageToken: page.next ? deps.pageTokens.encode(binding, page.next) : '',
      });
    },
    async updateUser(request, context) {
      const principal = requirePrincipal(context);
      const user = request.user ?? create(UserSchema);
      const userId = resolveUserId(principal, request.userId);
      await noteUser(deps, userId, context);
      const input = {
        principal,
        userId,
        changes: changesOf(user, updatedFields(UserSchema, user, request.updateMask)),
        etag: user.etag,
        password: user.password,
        address: context.values.get(peerAddressKey),
      };
      return toUser(await updateUser(deps, input, context.signal));
    },
    async deleteUser(request, context) {
      const userId = resolveUserId(requirePrincipal(context), request.userId);
      await noteUser(deps, userId, context);
      await deleteUser(deps, { userId }, context.signal);
      return {};
    },
    async changePassword(request, context) {
      const { userId, sessionId } = requirePrincipal(context);
      if (request.userId !== 'me' && request.userId.toLowerCase() !== userId) throw userNotFound(request.userId);
      const { oldPassword, newPassword } = request;
      const address = context.values.get(peerAddressKey);
      await changePassword(deps, { userId, sessionId, oldPassword, newPassword, address }, context.signal);
      return {};
    },
  };
}

/** For the audit log: whose row is about to change, and what it was. */
async function noteUser({ db }: UserDeps, userId: string, { values }: HandlerContext): Promise<void> {
  const note = values.get(auditNoteKey);
  if (!note) return;
  note.ownerId = userId;
  note.before = withoutSecrets(UserSchema, toUser(await readUser(db, userId)));
}

function changesOf(user: User, fields: ReadonlySet<string>): UserChanges {
  return {
    name: fields.has('name') ? user.name : undefined,
    email: fields.has('email') ? user.email : undefined,
    avatarUrl: fields.has('avatar_url') ? user.avatarUrl || null : undefined,
    role: fields.has('role') ? fromRole(user.role) : undefined,
    disabled: fields.has('disabled') ? user.disabled : undefined,
  };
}
