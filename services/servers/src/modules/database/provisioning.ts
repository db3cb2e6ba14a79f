import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '@morag/errors';
import type { Call } from '../../call.ts';
import type { Instance } from '../../instance.ts';
import type { DatabaseStore, NewDatabase } from './database.store.ts';

/** Takes the names that a database needs while it is being made. */
export interface Provisioning {
  /**
   * Inserts a database that nobody sees yet, and holds it until `end`. DATABASE_EXISTS and COLLECTION_IN_USE are said of
   * what is really there: one that is just being made is waited for, and one whose maker is gone is taken back.
   */
  begin(database: NewDatabase, call: Call): Promise<{ end(): void }>;
}

/** See createProvisioning. */
export interface ProvisioningDeps {
  readonly databases: Pick<DatabaseStore, 'insert' | 'hold' | 'rivalOf'>;
  readonly instance: Instance;
  /** Takes back a database that was not finished. */
  readonly discard: (databaseId: string) => Promise<void>;
}

/** How long a maker may be silent; it says every third of it that it is still there. */
const HOLD_MS = 10_000;
const POLL_MS = 100;
/** Less is not enough to make a database after the wait. */
const TIME_NEEDED_MS = 1_000;

/** Creates it. */
export function createProvisioning({ databases, instance, discard }: ProvisioningDeps): Provisioning {
  const hold = { owner: instance.id, ttlMs: HOLD_MS };

  const insert = async (database: NewDatabase, call: Call): Promise<void> => {
    for (;;) {
      try {
        return await databases.insert(database, hold);
      } catch (error) {
        const reason = reasonOf(error);
        if (reason !== 'DATABASE_EXISTS' && reason !== 'COLLECTION_IN_USE') throw error;
        const rival = await databases.rivalOf(database);
        if (!rival) throw error;
        if (rival.isSilent || instance.isDead(rival.owner)) await discard(rival.id);
        else if (call.remainingMs() < TIME_NEEDED_MS) throw error;
        else await sleep(POLL_MS, undefined, { signal: call.signal });
      }
    }
  };

  return {
    async begin(database, call) {
      await insert(database, call);
      const renewal = setInterval(() => void databases.hold(database.id, hold).catch(() => {}), HOLD_MS / 3);
      renewal.unref();
      return { end: () => clearInterval(renewal) };
    },
  };
}
