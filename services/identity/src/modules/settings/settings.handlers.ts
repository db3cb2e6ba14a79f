import { create, type JsonObject } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { requirePrincipal } from '@morag/auth';
import type { SettingsService } from '@morag/gen/morag/identity/v1/settings_service_pb.ts';
import { type UserSettings, UserSettings_Theme, UserSettingsSchema } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { type Database, etagOf } from '@morag/orm';
import { auditNoteKey, updatedFields, withoutSecrets } from '@morag/rpc';
import { requireWriter, resolveUserId } from '../user/user-access.ts';
import { readSettings, type SettingsRow } from './settings.store.ts';
import { type SettingsChanges, updateSettings } from './update-settings.ts';

/** SettingsService over the use cases. */
export function settingsHandlers(deps: { readonly db: Database }): ServiceImpl<typeof SettingsService> {
  return {
    async getUserSettings(request, context) {
      return toSettings(await readSettings(deps.db, resolveUserId(requirePrincipal(context), request.userId)));
    },
    async updateUserSettings(request, context) {
      const principal = requirePrincipal(context);
      requireWriter(principal);
      const settings = request.settings ?? create(UserSettingsSchema);
      const fields = updatedFields(UserSettingsSchema, settings, request.updateMask);
      const userId = resolveUserId(principal, request.userId);
      const note = context.values.get(auditNoteKey);
      if (note) {
        note.ownerId = userId;
        note.before = withoutSecrets(UserSettingsSchema, toSettings(await readSettings(deps.db, userId)));
      }
      const input = {
        userId,
        changes: fromSettings(settings, fields),
        etag: settings.etag,
      };
      return toSettings(await updateSettings(deps, input, context.signal));
    },
  };
}

function fromSettings(settings: UserSettings, fields: ReadonlySet<string>): SettingsChanges {
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

function toSettings(row: SettingsRow): UserSettings {
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
