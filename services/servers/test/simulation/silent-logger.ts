import { createLogger } from '@morag/telemetry';

/** A logger that costs nothing. */
export const SILENT = createLogger({ level: 'silent', service: 'simulation' });
