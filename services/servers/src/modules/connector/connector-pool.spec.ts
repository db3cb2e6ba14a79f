import { describe, expect, it } from '@jest/globals';
import { createLogger } from '@morag/telemetry';
import { eventually } from '@morag/testing';
import { MemoryServer } from '../../../test/memory-server.ts';
import { createConnectorPool, type PoolSettings } from './connector-pool.ts';

const logger = createLogger({ level: 'silent', service: 'test' });

function createPool(settings?: PoolSettings) {
  const server = new MemoryServer();
  const state = { revision: 1, fails: false, ms: 0 };
  const pool = createConnectorPool({
    now: () => state.ms,
    logger,
    settings,
    open: async () => {
      if (state.fails) throw new Error('cannot open');
      return { connector: server.open(), revision: state.revision };
    },
  });
  return { pool, server, state };
}

const key = { serverId: 'a', revision: 1 };

describe('the connector pool', () => {
  it('opens once for many who ask at once, and lends the same again', async () => {
    const { pool, server } = createPool();
    const lent = await Promise.all(Array.from({ length: 20 }, () => pool.use(key, async (connector) => connector)));
    expect(new Set(lent).size).toBe(1);
    expect(server.opened).toBe(1);
    await pool.stop();
    expect(server.closed).toBe(1);
  });

  it('replaces what was opened under an older revision, and closes that when its last user is done', async () => {
    const { pool, server, state } = createPool();
    const inUse = Promise.withResolvers<void>();
    const user = pool.use(key, () => inUse.promise);
    await eventually(() => expect(server.opened).toBe(1));
    state.revision = 2;
    await pool.use({ ...key, revision: 2 }, async () => {});
    expect(server).toMatchObject({ opened: 2, closed: 0 });
    // A caller whose view is a moment old gets the newer one, and does not bring the old one back.
    await pool.use(key, async () => {});
    expect(server.opened).toBe(2);
    inUse.resolve();
    await user;
    await eventually(() => expect(server.closed).toBe(1));
    await pool.stop();
  });

  it('closes what was dropped, what is idle, and the oldest beyond its bound', async () => {
    const { pool, server, state } = createPool({ connectorsMax: 2, idleMs: 100 });
    const use = (serverId: string) => pool.use({ serverId, revision: 1 }, async () => {});
    await use('a');
    pool.drop('a');
    await eventually(() => expect(server.closed).toBe(1));
    for (const serverId of ['b', 'c', 'd']) {
      state.ms++;
      await use(serverId);
    }
    await eventually(() => expect(server.closed).toBe(2));
    state.ms += 1_000;
    await eventually(() => expect(server.closed).toBe(4));
    await pool.stop();
  });

  it('tries again after a failure, and opens nothing after its end', async () => {
    const { pool, state } = createPool();
    state.fails = true;
    await expect(pool.use(key, async () => {})).rejects.toThrow('cannot open');
    state.fails = false;
    await pool.use(key, async () => {});
    await pool.stop();
    await expect(pool.use(key, async () => {})).rejects.toThrow('stopped');
  });
});
