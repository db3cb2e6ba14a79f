import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Role } from '@morag/auth';
import { type User, User_UserRole, UserSchema } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { etagOf } from '@morag/orm';
import type { UserRow } from './user.store.ts';

/** A row as the API shows it. */
export function toUser(row: UserRow): User {
  return create(UserSchema, {
    id: row.id,
    name: row.name,
    email: row.email,
    avatarUrl: row.avatarUrl ?? '',
    role: User_UserRole[row.role],
    disabled: row.disabledAt !== null,
    disableTime: row.disabledAt ? timestampFromDate(row.disabledAt) : undefined,
    createTime: timestampFromDate(row.createdAt),
    updateTime: timestampFromDate(row.updatedAt),
    etag: etagOf(row),
  });
}

/** The role that the API names; undefined when it names none. */
export function fromRole(role: User_UserRole): Role | undefined {
  switch (role) {
    case User_UserRole.ADMIN:
      return 'ADMIN';
    case User_UserRole.USER:
      return 'USER';
    case User_UserRole.VIEWER:
      return 'VIEWER';
    default:
      return undefined;
  }
}
