import type { ImportedItem, UserData } from '@morag/gen/morag/identity/v1/settings_service_pb.ts';
import type { Database } from '@morag/orm';
import { fromSettings } from '../settings/settings.mapping.ts';
import { updateSettings } from '../settings/update-settings.ts';
import type { OwnedThings } from './owned-things.ts';

type Item = Pick<ImportedItem, 'name' | 'imported' | 'reason'>;

/** Of settings, what means the same in another installation: not the default database, whose id is known here alone. */
const SETTINGS = new Set(['theme', 'language', 'notifications', 'auto_save', 'preferences']);

const SKIPPED = {
  databases: 'make it on a server that has passed its test',
  'api-keys': 'make a new one; a secret cannot be taken along',
  documents: 'upload it; the export does not hold what it says',
} as const;

/** Takes over what an export holds enough of, one thing after the other; what fails does not keep the rest from coming. */
export async function importUserData(
  { db, owned }: { readonly db: Database; readonly owned: OwnedThings },
  { userId, data }: { readonly userId: string; readonly data: UserData },
  signal: AbortSignal,
): Promise<Item[]> {
  const items: Item[] = [];
  if (data.settings) {
    const changes = fromSettings(data.settings, SETTINGS);
    await updateSettings({ db }, { userId, changes, etag: '' }, signal);
    items.push({ name: 'settings', imported: true, reason: '' });
  }
  for (const server of data.servers) {
    const problem = await owned.createServer(userId, server, signal);
    items.push({ name: `servers/${server.name}`, imported: problem === undefined, reason: problem ?? '' });
  }
  const skip = (kind: keyof typeof SKIPPED, things: readonly { readonly name: string }[]): Item[] =>
    things.map(({ name }) => ({ name: `${kind}/${name}`, imported: false, reason: SKIPPED[kind] }));
  return [
    ...items,
    ...skip('databases', data.databases),
    ...skip('api-keys', data.apiKeys),
    ...skip('documents', data.documents),
  ];
}
