/** What a webhook is told. */
export const WEBHOOK_EVENT_TYPES = ['FAILOVER', 'JOB_FINISHED', 'JOB_FAILED', 'JOB_CANCELLED'] as const;
/** See WEBHOOK_EVENT_TYPES. */
export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number];

/** An address that is told what happens to what an owner has. */
export interface Webhook {
  readonly id: string;
  readonly ownerId: string;
  readonly url: string;
  /** Empty for all. */
  readonly eventTypes: readonly WebhookEventType[];
  readonly lastDeliveredAt: Date | null;
  /** Of the newest attempt; empty when it succeeded. */
  readonly lastFailure: string;
  /** Events that it will never be told. */
  readonly lostEventCount: number;
  readonly createdAt: Date;
}

/** Something that happened, as it is posted. */
export interface WebhookEvent {
  /** The same at each attempt. */
  readonly id: string;
  /** `TEST` is sent when somebody asks for it, and to nobody else. */
  readonly type: WebhookEventType | 'TEST';
  readonly time: string;
  readonly data: object;
}
