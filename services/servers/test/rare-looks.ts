import { expect } from '@jest/globals';
import { eventually } from '@morag/testing';
import pg from 'pg';
import { healthSettings } from '../src/modules/health/health-settings.ts';
import type { Caller, Harness } from './harness.ts';

/** A server that answers is looked at once an hour: within a test not again, unless something calls for it. */
export const RARE_LOOKS = healthSettings({
  intervalMs: 3_600_000,
  timeoutMs: 2_000,
  failures: 3,
  successes: 2,
  slowMs: 1_000,
});

/** Asks for two looks at a server: what the first one has seen is stored when the second one is. */
export async function lookTwice(harness: Harness, { as }: Caller, serverId: string): Promise<void> {
  const sql = new pg.Client(harness.databaseUrl);
  await sql.connect();
  const looks = async (): Promise<number> =>
    (await sql.query('select from servers.health_checks where server_id = $1', [serverId])).rows.length;
  try {
    for (let look = 0; look < 2; look++) {
      const before = await looks();
      await harness.servers.testConnection({ serverId }, as);
      await eventually(async () => expect(await looks()).toBeGreaterThan(before));
    }
  } finally {
    await sql.end();
  }
}
