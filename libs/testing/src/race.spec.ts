import { expect, it } from '@jest/globals';
import { countEnds } from './race.ts';

const reasonOf = (error: unknown): string | undefined => (error as { reason?: string }).reason;

it('counts how calls ended, and has callers come again when they are told to', async () => {
  let isBusy = true;
  const busyOnce = async (): Promise<void> => {
    const wasBusy = isBusy;
    isBusy = false;
    if (wasBusy) throw Object.assign(new Error('busy'), { reason: 'OVERLOADED' });
  };
  const refused = async (reason?: string): Promise<never> => {
    throw Object.assign(new Error('no'), { reason });
  };
  const calls = [busyOnce, () => refused('SERVER_EXISTS'), () => refused('SERVER_EXISTS'), () => refused()];
  expect(await countEnds(calls, reasonOf)).toEqual({ OK: 1, SERVER_EXISTS: 2, 'Error: no': 1 });
  expect(await countEnds([() => refused('UNAVAILABLE')], reasonOf)).toEqual({ UNAVAILABLE: 1 });
});
