import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** An HTTP server that answers everything with all that it was sent, as a hostile or careless vector server might. */
export interface EchoServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts one that answers this status; `heard` is told what it was sent. */
export async function startEchoServer(status: number, heard: (body: string) => void = () => {}): Promise<EchoServer> {
  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        heard(body);
        const { headers, url } = request;
        const message = JSON.stringify(headers);
        const echoed = JSON.stringify({
          error: headers,
          detail: headers,
          message,
          version: `9.9.9 ${message}`,
          body,
          url,
        });
        response.writeHead(status, { 'content-type': 'application/json' }).end(echoed);
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
