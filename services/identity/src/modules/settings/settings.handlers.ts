import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { requirePrincipal } from '@morag/auth';
import { type SettingsService, UserDataSchema } from '@morag/gen/morag/identity/v1/settings_service_pb.ts';
import { UserSettingsSchema } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { auditNoteKey, updatedFields, withoutSecrets } from '@morag/rpc';
import { type ExportDeps, exportUserData } from '../portability/export-user-data.ts';
import { importUserData } from '../portability/import-user-data.ts';
import { requireWriter, resolveUserId } from '../user/user-access.ts';
import { fromSettings, toSettings } from './settings.mapping.ts';
import { readSettings } from './settings.store.ts';
import { updateSettings } from './update-settings.ts';

/** SettingsService over the use cases. */
export function settingsHandlers(deps: ExportDeps): ServiceImpl<typeof SettingsService> {
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
    async exportUserData(request, context) {
      return exportUserData(deps, resolveUserId(requirePrincipal(context), request.userId), context.signal);
    },
    async importUserData({ userId, data = create(UserDataSchema) }, context) {
      const principal = requirePrincipal(context);
      requireWriter(principal);
      const input = { userId: resolveUserId(principal, userId), data };
      return { items: await importUserData(deps, input, context.signal) };
    },
  };
}
