import { create, type JsonObject } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type UserSettings, UserSettings_Theme, UserSettingsSchema } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { etagOf } from '@morag/orm';
import type { SettingsRow } from './settings.store.ts';
import type { SettingsChanges } from './update-settings.ts';

/** The fields that an update names. */
export function fromSettings(settings: UserSettings, fields: ReadonlySet<string>): SettingsChanges {
  return {
    theme: fields.has('theme') ? themeName(settings.theme) : undefined,
    language: fields.has('language') ? settings.language : undefined,
    notifications: fields.has('notifications') ? settings.notifications : undefined,
    autoSave: fields.has('auto_save') ? settings.autoSave : undefined,
    defaultDatabaseId: fields.has('default_database_id') ? settings.defaultDatabaseId || null : undefined,
    preferences: fields.has('preferences') ? (settings.preferences ?? {}) : undefined,
  };
}

function themeName(theme: UserSettings_Theme): SettingsRow['theme'] | undefined {
  switch (theme) {
    case UserSettings_Theme.LIGHT:
      return 'LIGHT';
    case UserSettings_Theme.DARK:
      return 'DARK';
    case UserSettings_Theme.SYSTEM:
      return 'SYSTEM';
    default:
      return undefined;
  }
}

/** A row as the API shows it. */
export function toSettings(row: SettingsRow): UserSettings {
  return create(UserSettingsSchema, {
    userId: row.userId,
    theme: UserSettings_Theme[row.theme],
    language: row.language,
    notifications: row.notifications,
    autoSave: row.autoSave,
    defaultDatabaseId: row.defaultDatabaseId ?? '',
    preferences: row.preferences as JsonObject,
    updateTime: timestampFromDate(row.updatedAt),
    etag: etagOf(row),
  });
}
