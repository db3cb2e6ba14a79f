import { describe, expect, it } from '@jest/globals';
import { createLogger } from '@morag/telemetry';
import { createLogSink } from '@morag/testing';
import { createEventDelivery } from './deliver-event.ts';

const NOW = new Date('2027-01-15T08:00:00.000Z');
const DAY_MS = 24 * 60 * 60 * 1_000;
const EVENT = { id: 'event', type: 'FAILOVER', time: NOW.toISOString(), data: {} } as const;
const WEBHOOK = {
  id: 'webhook',
  ownerId: 'owner',
  url: 'https://example.org/hook',
  eventTypes: [],
  lastDeliveredAt: null,
  lastFailure: '',
  lostEventCount: 0,
  createdAt: NOW,
} as const;

/** Delivers an event of that age to a receiver that answers or, by a reason, does not. */
async function deliver({ attempt = 1, ageMs = 0, failure = '' }) {
  const sink = createLogSink();
  const noted: string[] = [];
  let lost = 0;
  const delivery = createEventDelivery({
    webhooks: {
      find: async () => WEBHOOK,
      note: async (_id, text) => void noted.push(text),
      noteLost: async () => void lost++,
    },
    post: async () => {
      if (failure) throw new Error(failure);
    },
    clock: () => NOW,
    logger: createLogger({ level: 'warn', service: 'test', stream: sink }),
  });
  const payload = { webhookId: WEBHOOK.id, event: EVENT };
  const createdAt = new Date(NOW.getTime() - ageMs);
  const event = { seq: 1n, key: 'webhook/webhook', type: 'webhook.event', payload, attempt, createdAt };
  const isOver = await delivery(event, new AbortController().signal).then(
    () => true,
    () => false,
  );
  return { isOver, noted, lost, messages: sink.lines.map(({ msg }) => msg) };
}

const GIVEN_UP = 'an event is given up: its webhook does not take it';

describe('an event that its webhook does not take', () => {
  it('is tried again, up to the seventieth attempt', async () => {
    const failure = 'It answered 503.';
    expect(await deliver({ failure, attempt: 69 })).toEqual({ isOver: false, noted: [failure], lost: 0, messages: [] });
    expect(await deliver({ failure, attempt: 70 })).toMatchObject({ isOver: true, lost: 1, messages: [GIVEN_UP] });
  });

  it('is not tried again when it is three days old, and counts as lost', async () => {
    const failure = 'It did not answer.';
    expect(await deliver({ failure, ageMs: 3 * DAY_MS - 1 })).toMatchObject({ isOver: false, lost: 0 });
    expect(await deliver({ failure, ageMs: 3 * DAY_MS })).toEqual({
      isOver: true,
      noted: [failure],
      lost: 1,
      messages: [GIVEN_UP],
    });
  });
});

it('takes an event to its webhook however old it is', async () => {
  expect(await deliver({ ageMs: 30 * DAY_MS })).toEqual({ isOver: true, noted: [''], lost: 0, messages: [] });
});
