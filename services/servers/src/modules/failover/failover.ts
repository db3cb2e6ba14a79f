/** A change of the primary. */
export interface FailoverEvent {
  /** UUIDv7: in the order of time. */
  readonly id: string;
  readonly databaseId: string;
  readonly fromPlacementId: string;
  readonly toPlacementId: string;
  /** For people. */
  readonly reason: string;
  /** Nobody asked for it. */
  readonly isAutomatic: boolean;
  readonly detectedAt: Date;
  readonly promotedAt: Date;
  /** The first mutation that the new primary applied before it took over; after `lastSequence` when there was none. */
  readonly firstSequence: number;
  readonly lastSequence: number;
}
