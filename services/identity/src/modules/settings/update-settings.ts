import { DomainError } from '@morag/errors';
import { type Database, requireEtag } from '@morag/orm';
import { lockSettings, readSettings, type SettingsRow } from './settings.store.ts';

/** The fields that change; undefined ones stay. */
export type SettingsChanges = Partial<Omit<SettingsRow, 'userId' | 'updatedAt' | 'version'>>;

/** Of `preferences` as JSON. */
const PREFERENCES_BYTES_MAX = 16 * 1024;

/** Changes a user's settings. */
export async function updateSettings(
  deps: { readonly db: Database },
  input: { readonly userId: string; readonly changes: SettingsChanges; readonly etag: string },
  signal: AbortSignal,
): Promise<SettingsRow> {
  const { userId, changes, etag } = input;
  requireSmallPreferences(changes.preferences);
  await deps.db.transaction(
    async (em) => {
      const settings = await lockSettings(em, userId);
      requireEtag(settings, etag);
      em.assign(settings, definedOf(changes));
      await em.flush();
    },
    { signal },
  );
  return readSettings(deps.db, userId);
}

function definedOf(changes: SettingsChanges): SettingsChanges {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

function requireSmallPreferences(preferences: Record<string, unknown> | undefined): void {
  if (!preferences || Buffer.byteLength(JSON.stringify(preferences)) <= PREFERENCES_BYTES_MAX) return;
  const description = 'must be at most 16 KiB as JSON';
  const violations = [{ field: 'settings.preferences', description }];
  throw new DomainError('INVALID_ARGUMENT', `The preferences ${description}.`, { violations });
}
