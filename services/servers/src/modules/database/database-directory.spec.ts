import { describe, expect, it } from '@jest/globals';
import { createDatabaseDirectory } from './database-directory.ts';
import type { DatabaseView } from './database-view.ts';

function createDirectory() {
  const state = { ms: 0, loads: 0, view: { id: 'd', headSequence: 0 } as DatabaseView | undefined };
  const directory = createDatabaseDirectory({
    now: () => state.ms,
    onLoaded: () => {},
    load: async () => {
      state.loads++;
      return state.view;
    },
  });
  return { state, directory };
}

describe('the directory', () => {
  it('reads once for many who ask at once, and not again while the answer is young', async () => {
    const { state, directory } = createDirectory();
    await Promise.all(Array.from({ length: 10 }, () => directory.find('d')));
    state.ms = 500;
    expect(await directory.find('d')).toBe(state.view);
    expect(state.loads).toBe(1);
  });

  it('reads ahead without making its caller wait, and never answers what is older than a second', async () => {
    const { state, directory } = createDirectory();
    const first = await directory.find('d');
    state.ms = 501;
    state.view = undefined;
    expect(await directory.find('d')).toBe(first);
    expect(state.loads).toBe(2);
    state.ms = 1_001;
    expect(await directory.find('d')).toBeUndefined();
  });

  it('does not remember what was forgotten while it was read', async () => {
    const { state, directory } = createDirectory();
    const reading = directory.find('d');
    directory.forget('d');
    await reading;
    expect(directory.peek('d')).toBeUndefined();
    await directory.find('d');
    expect(state.loads).toBe(2);
  });
});
