import { describe, expect, it } from '@jest/globals';
import type { Lease } from './lease.store.ts';
import { createLeaseKeeper, LeaseLost } from './lease-keeper.ts';

const lease: Lease = {
  placementId: 'p',
  epoch: 1,
  appliedSequence: 0,
  state: 'IN_SYNC',
  hasQuarantine: false,
  repairSequence: 0,
};

function keep() {
  const clock = { ms: 1_000 };
  const leases = { renew: async () => true };
  const keeper = createLeaseKeeper({ leases, now: () => clock.ms, ttlMs: 20_000 }, lease, clock.ms);
  return { clock, keeper };
}

describe('a lease', () => {
  it('allows only requests that end before somebody else can take it', () => {
    const { clock, keeper } = keep();
    expect(keeper.callOptions().timeoutMs).toBe(10_000);
    clock.ms += 12_000;
    expect(keeper.callOptions().timeoutMs).toBe(5_000);
    clock.ms += 5_000;
    expect(() => keeper.callOptions()).toThrow(LeaseLost);
    keeper.stop();
  });

  it('is extended from the moment in which the extension was asked for', () => {
    const { clock, keeper } = keep();
    clock.ms += 16_000;
    keeper.renewed(clock.ms - 4_000, true);
    expect(keeper.callOptions().timeoutMs).toBe(10_000);
    clock.ms += 10_000;
    expect(keeper.callOptions().timeoutMs).toBe(3_000);
    keeper.stop();
  });

  it('that is another’s ends what is under way', () => {
    const { clock, keeper } = keep();
    const { signal } = keeper.callOptions();
    keeper.renewed(clock.ms, false);
    expect(signal?.aborted).toBe(true);
    expect(() => keeper.callOptions()).toThrow(LeaseLost);
    keeper.stop();
  });
});
