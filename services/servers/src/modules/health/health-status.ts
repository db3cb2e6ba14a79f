/**
 * How a server does. `UNKNOWN`: never checked, or every server failed at once, which means that the fault is ours.
 * `DEGRADED`: it answers, but slowly, not wholly, or not steadily.
 */
export const HEALTH_STATUSES = ['HEALTHY', 'DEGRADED', 'UNHEALTHY', 'UNKNOWN'] as const;
/** See HEALTH_STATUSES. */
export type HealthStatus = (typeof HEALTH_STATUSES)[number];

/** Whether work may be sent to a server of this status with a good chance of success. */
export function isUp(status: HealthStatus): boolean {
  return status === 'HEALTHY' || status === 'DEGRADED';
}
