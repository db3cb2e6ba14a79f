import type { Problem } from '@morag/errors';

/** How a stream of messages is written into one HTTP body. */
export interface EventFormat {
  readonly contentType: string;
  /** One message. */
  message(json: string): string;
  /** The error that ends the stream. */
  problem(problem: Problem): string;
  /** Written when nothing else was for a while; empty where the format knows no such thing. */
  readonly heartbeat: string;
}

/** Server-sent events, for browsers: each message an event without a name, an error the event `error`. */
const SERVER_SENT_EVENTS: EventFormat = {
  contentType: 'text/event-stream',
  message: (json) => `data: ${json}\n\n`,
  problem: (problem) => `event: error\ndata: ${JSON.stringify(problem)}\n\n`,
  heartbeat: ': still here\n\n',
};

/** One JSON value a line, for programs; an error is the line `{"error":…}`. */
const JSON_LINES: EventFormat = {
  contentType: 'application/x-ndjson',
  message: (json) => `${json}\n`,
  problem: (problem) => `${JSON.stringify({ error: problem })}\n`,
  heartbeat: '',
};

/** The format that a client asks for; server-sent events unless it wants lines of JSON. */
export function eventFormatFor(accept: string | undefined): EventFormat {
  return accept?.toLowerCase().includes(JSON_LINES.contentType) ? JSON_LINES : SERVER_SENT_EVENTS;
}
