/** What a webhook is told. */
export const WEBHOOK_EVENT_TYPES = ['FAILOVER'] as const;
/** See WEBHOOK_EVENT_TYPES. */
export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number];

/** An address that is told what happens to an owner's databases. */
export interface Webhook {
  readonly id: string;
  readonly ownerId: string;
  readonly url: string;
  /** Empty for all. */
  readonly eventTypes: readonly WebhookEventType[];
  readonly lastDeliveredAt: Date | null;
  /** Of the newest attempt; empty when it succeeded. */
  readonly lastFailure: string;
  readonly createdAt: Date;
}

/** Something that happened, as it is posted. */
export interface WebhookEvent {
  /** The same at each attempt. */
  readonly id: string;
  readonly type: WebhookEventType;
  readonly time: string;
  readonly data: object;
}
