import { describe, expect, it } from '@jest/globals';
import { createLogWriter } from './group-commit.ts';
import { encodeDelete } from './mutation.codec.ts';
import type { LogEntry } from './mutation.ts';

/** A log in memory whose commits end when the test says so. */
function createLog() {
  const groups: number[] = [];
  const commits: (() => void)[] = [];
  let head = 0;
  return {
    groups,
    async commit() {
      while (commits.length > 0) {
        commits.shift()?.();
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      }
    },
    async append(_databaseId: string, payloads: readonly Buffer[]) {
      groups.push(payloads.length);
      await new Promise<void>((resolve) => commits.push(resolve));
      head += payloads.length;
      return head;
    },
  };
}

const one = [encodeDelete(['a'])];
const forever = new AbortController().signal;

describe('appends to one database', () => {
  it('share a commit while another is under way, and each learns its own sequence', async () => {
    const log = createLog();
    const seen: LogEntry[] = [];
    const writer = createLogWriter({ store: log, onAppended: (_id, entries) => seen.push(...entries) });
    const appends = [one, [...one, ...one], one, one].map((mutations) => writer.append('d', mutations, forever));
    await log.commit();
    expect(await Promise.all(appends)).toEqual([1, 3, 4, 5]);
    expect(log.groups).toEqual([1, 4]);
    expect(seen.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  });

  it('keep within the limits of a commit', async () => {
    const log = createLog();
    const limits = { mutationsMax: 3, bytesMax: 1_000 };
    const writer = createLogWriter({ store: log, onAppended: () => {}, limits });
    const appends = Array.from({ length: 8 }, () => writer.append('d', one, forever));
    await log.commit();
    await Promise.all(appends);
    expect(log.groups).toEqual([1, 3, 3, 1]);
  });

  it('leave nothing behind when their caller gave up before', async () => {
    const log = createLog();
    const writer = createLogWriter({ store: log, onAppended: () => {} });
    const first = writer.append('d', one, forever);
    const gone = new AbortController();
    const second = writer.append('d', one, gone.signal);
    gone.abort(new Error('gone'));
    const third = writer.append('d', one, forever);
    const refused = second.catch((error: Error) => error.message);
    await log.commit();
    expect(await Promise.all([first, third])).toEqual([1, 2]);
    expect(await refused).toBe('gone');
  });

  it('fail together, and later ones are tried again', async () => {
    let isAway = true;
    const writer = createLogWriter({
      onAppended: () => {},
      store: { append: async () => (isAway ? Promise.reject(new Error('away')) : 1) },
    });
    await expect(writer.append('d', one, forever)).rejects.toThrow('away');
    isAway = false;
    expect(await writer.append('d', one, forever)).toBe(1);
  });

  it('to a database that is gone are DATABASE_NOT_FOUND', async () => {
    const writer = createLogWriter({ store: { append: async () => undefined }, onAppended: () => {} });
    await expect(writer.append('d', one, forever)).rejects.toMatchObject({ reason: 'DATABASE_NOT_FOUND' });
  });
});
