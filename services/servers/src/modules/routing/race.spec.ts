import { describe, expect, it } from '@jest/globals';
import { type Patience, type Runner, race } from './race.ts';

/** A runner whose work ends when the test says so. */
function runner(name: string, options: { patience?: readonly Patience[]; everybodys?: boolean } = {}) {
  const work = Promise.withResolvers<string>();
  const started = Promise.withResolvers<void>();
  let signal: AbortSignal | undefined;
  const asRunner: Runner<string> = {
    run(given) {
      signal = given;
      started.resolve();
      return work.promise;
    },
    isOwnFailure: () => !options.everybodys,
    patience: () => options.patience ?? [],
  };
  return {
    asRunner,
    started: started.promise,
    hasStarted: () => signal !== undefined,
    isEnded: () => signal?.aborted === true,
    answer: () => work.resolve(name),
    fail: () => work.reject(new Error(name)),
  };
}

const caller = new AbortController().signal;

describe('race', () => {
  it('gives the answer of the first and starts nobody else', async () => {
    const [one, two] = [runner('one'), runner('two')];
    const result = race([one.asRunner, two.asRunner], caller);
    one.answer();
    expect(await result).toBe('one');
    expect(two.hasStarted()).toBe(false);
  });

  it('starts the next when one has failed', async () => {
    const [one, two] = [runner('one'), runner('two')];
    const result = race([one.asRunner, two.asRunner], caller);
    one.fail();
    await two.started;
    two.answer();
    expect(await result).toBe('two');
  });

  it('starts the next beside one that tries its patience, and ends the loser', async () => {
    const one = runner('one', {
      patience: [
        { afterMs: 1, isOver: () => false },
        { afterMs: 2, isOver: () => true },
      ],
    });
    const two = runner('two');
    const result = race([one.asRunner, two.asRunner], caller);
    await two.started;
    expect(one.isEnded()).toBe(false);
    two.answer();
    expect(await result).toBe('two');
    expect(one.isEnded()).toBe(true);
  });

  it('takes the answer of a late one when the one that was started beside it fails', async () => {
    const one = runner('one', { patience: [{ afterMs: 1, isOver: () => true }] });
    const two = runner('two');
    const result = race([one.asRunner, two.asRunner], caller);
    await two.started;
    two.fail();
    one.answer();
    expect(await result).toBe('one');
  });

  it('stops at a failure that another would have as well', async () => {
    const [one, two] = [runner('one', { everybodys: true }), runner('two')];
    const result = race([one.asRunner, two.asRunner], caller);
    one.fail();
    await expect(result).rejects.toThrow('one');
    expect(two.hasStarted()).toBe(false);
  });

  it('gives the last failure when all fail', async () => {
    const [one, two] = [runner('one'), runner('two')];
    const result = race([one.asRunner, two.asRunner], caller);
    one.fail();
    await two.started;
    two.fail();
    await expect(result).rejects.toThrow('two');
  });

  it('starts nobody else once the caller is gone', async () => {
    const gone = new AbortController();
    const [one, two] = [runner('one'), runner('two')];
    const result = race([one.asRunner, two.asRunner], gone.signal);
    gone.abort(new Error('gone'));
    one.fail();
    await expect(result).rejects.toThrow('one');
    expect(two.hasStarted()).toBe(false);
  });
});
