/** What happens to our connections to a server. */
export const CONNECTION_EVENT_KINDS = ['OPENED', 'CLOSED', 'FAILED', 'EVICTED', 'RECONFIGURED'] as const;
/** See CONNECTION_EVENT_KINDS. */
export type ConnectionEventKind = (typeof CONNECTION_EVENT_KINDS)[number];

/** A change in our connections to a server. */
export interface ConnectionEvent {
  /** UUIDv7: in the order of time. */
  readonly id: string;
  readonly serverId: string;
  readonly kind: ConnectionEventKind;
  /** For people; no secrets. */
  readonly detail: string;
  readonly createdAt: Date;
}
