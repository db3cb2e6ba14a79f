import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import { redactFields, scrubLine } from './redaction.ts';

/** The logger that every part is given; never a global one. */
export type Logger = PinoLogger;

/** From most to least verbose; `silent` writes nothing. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
/** See LOG_LEVELS. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** See createLogger. */
export interface LoggerOptions {
  readonly level: LogLevel;
  /** Stands in each line as `service`. */
  readonly service: string;
  /** Where the lines go; standard output unless given. */
  readonly stream?: DestinationStream;
}

/** A logger of JSON lines (`time` in RFC 3339, `level` as a word) that lets no secret through. */
export function createLogger({ level, service, stream }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: (fields) => redactFields(fields) },
      hooks: { streamWrite: scrubLine },
    },
    // Synchronous: a line written just before the process ends is not lost.
    stream ?? pino.destination({ dest: 1, sync: true }),
  );
}
