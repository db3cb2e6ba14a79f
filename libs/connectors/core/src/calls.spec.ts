import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { type CallsOptions, createCalls } from './calls.ts';
import { type Category, ConnectorError } from './connector.error.ts';

const ORIGIN = { vendor: 'chroma', operation: 'query' } as const;

function calls(options: Partial<CallsOptions> = {}) {
  return createCalls({
    vendor: 'chroma',
    timeoutMs: 60_000,
    retries: 2,
    translate: (error, origin) => new ConnectorError('internal', origin, String(error)),
    ...options,
  });
}

const never = () => new Promise<never>(() => {});

function failing(category: Category, details = {}) {
  let made = 0;
  const attempt = async () => {
    made++;
    throw new ConnectorError(category, ORIGIN, 'no', details);
  };
  return { attempt, made: () => made };
}

describe('createCalls', () => {
  it('ends a call that never answers at its deadline, and aborts it', async () => {
    let aborted = false;
    const call = calls().run('query', { timeoutMs: 30 }, ({ signal }) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return never();
    });
    await expect(call).rejects.toMatchObject({ category: 'timeout', operation: 'query', retryable: true });
    expect(aborted).toBe(true);
  });

  it('ends a call when its caller gives up, also before it starts', async () => {
    const controller = new AbortController();
    const call = calls().run('query', { signal: controller.signal }, never);
    controller.abort();
    await expect(call).rejects.toMatchObject({ category: 'cancelled' });
    await expect(calls().run('query', { signal: controller.signal }, never)).rejects.toMatchObject({
      category: 'cancelled',
    });
  });

  it('ends running calls when closed, and refuses later ones', async () => {
    const all = calls();
    const running = all.run('query', undefined, never);
    all.close();
    all.close();
    await expect(running).rejects.toMatchObject({ category: 'cancelled' });
    await expect(all.run('query', undefined, async () => 1)).rejects.toMatchObject({ category: 'cancelled' });
  });

  it('retries what may pass, a bounded number of times', async () => {
    const { attempt, made } = failing('unavailable');
    await expect(calls().run('query', undefined, attempt)).rejects.toMatchObject({ category: 'unavailable' });
    expect(made()).toBe(3);
  });

  it.each<Category>(['invalid_argument', 'unauthenticated', 'internal', 'conflict'])(
    'does not retry %s',
    async (category) => {
      const { attempt, made } = failing(category);
      await expect(calls().run('query', undefined, attempt)).rejects.toMatchObject({ category });
      expect(made()).toBe(1);
    },
  );

  it('reports a server that asks for more time than there is, at once', async () => {
    const { attempt, made } = failing('rate_limited', { retryAfterMs: 600_000 });
    const before = performance.now();
    await expect(calls().run('query', undefined, attempt)).rejects.toMatchObject({ retryAfterMs: 600_000 });
    expect(made()).toBe(1);
    expect(performance.now() - before).toBeLessThan(30_000);
  });

  it('waits as long as the server asks', async () => {
    const { attempt, made } = failing('rate_limited', { retryAfterMs: 40 });
    const before = performance.now();
    await expect(calls({ retries: 1 }).run('query', undefined, attempt)).rejects.toMatchObject({
      category: 'rate_limited',
    });
    expect(made()).toBe(2);
    expect(performance.now() - before).toBeGreaterThan(35);
  });

  it('gives every error of an SDK a category', async () => {
    const call = calls().run('query', undefined, async () => {
      throw new TypeError('odd');
    });
    await expect(call).rejects.toMatchObject({ name: 'ConnectorError', category: 'internal', vendor: 'chroma' });
  });
});

describe('ConnectorError', () => {
  it('shows neither what was thrown nor control characters when printed', () => {
    const error = new ConnectorError('internal', ORIGIN, '\u001b[31mred\u0007\r\nline', {
      cause: { password: 'hunter22' },
    });
    expect(error.message).toBe('red line');
    expect(JSON.stringify(error)).not.toContain('hunter22');
    expect(inspect(error)).not.toContain('hunter22');
    expect(error.thrown).toEqual({ password: 'hunter22' });
  });
});
