import type { Socket } from 'node:net';

/** Answers every request on a connection with one status. Reads no request further than it must: a blank line ends it. */
export function answerHttp(status: number, headers: Readonly<Record<string, string>> = {}): (socket: Socket) => void {
  const body = JSON.stringify({ error: 'Trouble', message: 'The server is in trouble.' });
  const lines = Object.entries({
    'content-type': 'application/json',
    'content-length': String(body.length),
    connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const answer = `HTTP/1.1 ${status} Trouble\r\n${lines.join('')}\r\n${body}`;
  return (socket) => socket.once('data', () => socket.end(answer));
}

/** What a hostile server answers with; `length` is announced in place of the body's own. */
export interface RawAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  readonly length?: number;
}

/** Answers every request on a connection with these bytes. */
export function answerRaw({ status = 200, headers = {}, body, length }: RawAnswer): (socket: Socket) => void {
  const bytes = Buffer.from(body);
  const lines = Object.entries({
    'content-type': 'application/json',
    'content-length': String(length ?? bytes.length),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} Answer\r\n${lines.join('')}\r\n`;
  return (socket) => socket.on('data', () => socket.write(Buffer.concat([Buffer.from(head), bytes])));
}
