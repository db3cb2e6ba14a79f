import { LockMode } from '@mikro-orm/postgresql';
import type { Database, Em } from '@morag/orm';
import { UserSettings } from '../user/user.entity.ts';
import { userNotFound } from '../user/user.store.ts';

/** One user's settings as reads give them. */
export interface SettingsRow {
  readonly userId: string;
  readonly theme: 'LIGHT' | 'DARK' | 'SYSTEM';
  readonly language: string;
  readonly notifications: boolean;
  readonly autoSave: boolean;
  readonly defaultDatabaseId: string | null;
  readonly preferences: Record<string, unknown>;
  readonly updatedAt: Date;
  readonly version: number;
}

/** The settings of a user, or USER_NOT_FOUND. */
export async function readSettings(db: Database, userId: string): Promise<SettingsRow> {
  const [row] = await db.read<SettingsRow>(
    `select user_id as "userId", theme, language, notifications, auto_save as "autoSave",
            default_database_id as "defaultDatabaseId", preferences, updated_at as "updatedAt", version
       from identity.user_settings where user_id = $1`,
    [userId],
  );
  if (!row) throw userNotFound(userId);
  return row;
}

/** The entity, locked until the transaction ends. */
export async function lockSettings(em: Em, userId: string): Promise<UserSettings> {
  const settings = await em.findOne(UserSettings, { user: userId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!settings) throw userNotFound(userId);
  return settings;
}
