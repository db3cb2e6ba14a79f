import { createServer } from 'node:http';

/**
 * Answers what a look at a Chroma asks, as fast as Node.js can, at every loopback address: each registration then has a
 * server of its own, as far as its caller can tell. Prints its port.
 */
const ANSWERS: readonly (readonly [string, string])[] = [
  ['/heartbeat', '{"nanosecond heartbeat":1}'],
  ['/version', '"1.0.0"'],
  ['/collections_count', '0'],
  ['/databases/default_database', '{"id":"1","name":"default_database","tenant":"default_tenant"}'],
];

const server = createServer((request, response) => {
  const [, body] = ANSWERS.find(([path]) => request.url?.endsWith(path)) ?? [];
  // Like Chroma's its answers do not say how long idle connections are kept; Node.js would, and clients go by it.
  response.removeHeader('connection');
  const { length } = body ?? '';
  response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json', 'content-length': length });
  response.end(body);
});
// It listens at every address, since no narrower one holds them all; others are not served.
server.on('connection', (socket) => {
  if (!socket.remoteAddress?.startsWith('127.')) socket.destroy();
});
server.keepAliveTimeout = 60_000;
server.listen(0, '0.0.0.0', 4_096, () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`);
});
