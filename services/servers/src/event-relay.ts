import { createOutboxRelay, type Database, type DeliveredEvent, type OutboxRelay } from '@morag/orm';
import type { Logger } from '@morag/telemetry';

/** Takes an event to whom it concerns; throws when it is to be tried again. */
export type DeliverEvent = (event: DeliveredEvent, signal: AbortSignal) => Promise<void>;

/** See createEventRelay. */
export interface EventRelayDeps {
  readonly db: Database;
  readonly logger: Logger;
  /** By the events' type. */
  readonly deliveries: Readonly<Record<string, DeliverEvent>>;
}

/** Delivers what this service's outbox holds, each kind of event in its own way. */
export function createEventRelay({ db, logger, deliveries }: EventRelayDeps): OutboxRelay {
  return createOutboxRelay({
    db,
    logger,
    async deliver(event, signal) {
      const deliver = deliveries[event.type];
      if (!deliver) throw new Error(`nobody delivers events of the type ${event.type}`);
      await deliver(event, signal);
    },
  });
}
