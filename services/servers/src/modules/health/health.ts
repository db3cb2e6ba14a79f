import type { HealthStatus } from './health-status.ts';

/** One look at a server. */
export interface HealthCheck {
  readonly id: string;
  readonly serverId: string;
  readonly checkedAt: Date;
  readonly status: HealthStatus;
  readonly latencyMs: number;
  /** Empty when it did not fail. */
  readonly errorCategory: string;
  /** Empty when unknown. */
  readonly serverVersion: string;
  readonly collectionsCount: number | null;
  readonly storageBytes: number | null;
}

/** A server's health as last judged. */
export interface ServerHealth {
  readonly serverId: string;
  readonly status: HealthStatus;
  /** Undefined when it was never judged. */
  readonly sinceAt: Date | undefined;
  readonly lastCheck: HealthCheck | undefined;
  /** Share of the time in which it answered, 0 to 1; undefined before the first look. */
  readonly uptime: { readonly hour?: number; readonly day?: number; readonly week?: number };
}
