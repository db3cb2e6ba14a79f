import { defineEntity, p } from '@mikro-orm/postgresql';
import { ROLES } from '@morag/auth';
import { baseColumns } from '@morag/orm';

const UserSchema = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    ...baseColumns,
    name: p.string().length(255),
    /** As given. Unique without regard to case, by an expression index of the migration. */
    email: p.string().length(254),
    avatarUrl: p.string().length(500).nullable(),
    role: p.enum(ROLES),
    /** PHC string of Argon2id. */
    passwordHash: p.string().length(255).hidden(),
    disabledAt: p.datetime(6).nullable(),
  },
  indexes: [{ name: 'users_created', properties: ['createdAt', 'id'] }],
});

/** Somebody who signs in. */
export class User extends UserSchema.class {}
UserSchema.setClass(User);

const UserSettingsSchema = defineEntity({
  name: 'UserSettings',
  tableName: 'user_settings',
  properties: {
    ...baseColumns,
    user: () => p.oneToOne(User).owner().unique().deleteRule('cascade').ref(),
    theme: p.enum(['LIGHT', 'DARK', 'SYSTEM'] as const).default('LIGHT'),
    /** BCP 47. */
    language: p.string().length(64).default('en'),
    notifications: p.boolean().default(true),
    autoSave: p.boolean().default(true),
    defaultDatabaseId: p.uuid().nullable(),
    preferences: p.json<Record<string, unknown>>().defaultRaw("'{}'"),
  },
});

/** One user's preferences, made in the transaction that makes the user. */
export class UserSettings extends UserSettingsSchema.class {}
UserSettingsSchema.setClass(UserSettings);
