import { describe, expect, it } from '@jest/globals';
import { ConnectorError } from '@morag/connectors-core';
import { createPace } from './pace.ts';

const timeout = new ConnectorError('timeout', { vendor: 'pgvector', operation: 'upsert' }, 'too slow');
const refusal = new ConnectorError('unavailable', { vendor: 'pgvector', operation: 'upsert' }, 'not there');

/** A pace whose work takes the time that it is told. */
function newPace() {
  let atMs = 0;
  const pace = createPace(() => atMs);
  const send = async (records: number, tookMs: number, error?: ConnectorError): Promise<void> => {
    const work = pace.run(records, async () => {
      atMs += tookMs;
      if (error) throw error;
    });
    const [end] = await Promise.allSettled([work]);
    expect(end).toEqual(error ? { status: 'rejected', reason: error } : { status: 'fulfilled', value: undefined });
  };
  return { pace, send };
}

describe('the pace of a server', () => {
  it('comes to what the server manages in time, and stays there', async () => {
    const { pace, send } = newPace();
    const perSecond = 10;
    const sent: number[] = [];
    for (let call = 0; call < 20; call++) {
      const records = pace.recordsMax();
      const tookMs = Math.min(10_000, (records * 1_000) / perSecond);
      sent.push(records);
      await send(records, tookMs, tookMs < 10_000 ? undefined : timeout);
    }
    expect(sent.slice(0, 2)).toEqual([250, 62]);
    expect(sent.slice(-5)).toEqual([62, 62, 62, 62, 62]);
  });

  it('rises to full calls while the server is fast, also after it was slow', async () => {
    const { pace, send } = newPace();
    for (let call = 0; call < 2; call++) await send(pace.recordsMax(), 100);
    expect(pace.recordsMax()).toBe(1_000);
    await send(1_000, 10_000, timeout);
    expect(pace.recordsMax()).toBe(250);
    for (let call = 0; call < 2; call++) await send(pace.recordsMax(), 100);
    expect(pace.recordsMax()).toBe(1_000);
  });

  it('learns nothing from few records, from a slow call, and from a server that is away', async () => {
    const { pace, send } = newPace();
    await send(10, 1);
    await send(250, 5_000);
    await send(250, 1, refusal);
    expect(pace.recordsMax()).toBe(250);
  });

  it('sends one record at a time at the least', async () => {
    const { pace, send } = newPace();
    for (let call = 0; call < 10; call++) await send(1_000, 10_000, timeout);
    expect(pace.recordsMax()).toBe(1);
  });
});
