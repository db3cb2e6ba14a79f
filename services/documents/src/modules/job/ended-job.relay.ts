import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { createClient, type Transport } from '@connectrpc/connect';
import { type ServiceTokens, SYSTEM_USER_ID } from '@morag/auth';
import { Webhook_EventType } from '@morag/gen/morag/servers/v1/webhook_pb.ts';
import { WebhookService } from '@morag/gen/morag/servers/v1/webhook_service_pb.ts';
import { createOutboxRelay, type Database, type OutboxRelay } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import { endedJob } from './job-ended.ts';

/** See announceEndedJobs. */
export interface AnnounceDeps {
  readonly db: Database;
  readonly servers: Transport;
  readonly tokens: ServiceTokens;
  readonly logger: Logger;
}

/** Has webhooks told of jobs that ended, by the servers service, which keeps them; asks again until it has heard. */
export function announceEndedJobs({ db, servers, tokens, logger }: AnnounceDeps): OutboxRelay {
  const webhooks = createClient(WebhookService, servers);
  return createOutboxRelay({
    db,
    logger,
    async deliver(event, signal) {
      const { id: eventId, ownerId, status, time, job: data } = endedJob(event);
      const token = await tokens.issue({ audience: 'servers', ownerId: SYSTEM_USER_ID, permissions: [] });
      const type = Webhook_EventType[`JOB_${status}`];
      await webhooks.announceEvent(
        { ownerId, eventId, type, time: timestampFromDate(new Date(time)), data },
        { signal, headers: { authorization: `Bearer ${token}` } },
      );
    },
  });
}
