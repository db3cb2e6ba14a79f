// The driver's own packages declare less than they export.

declare module 'neo4j-driver-bolt-connection' {
  import type { Socket } from 'node:net';

  const bolt: {
    readonly channel: {
      readonly Channel: new (
        config: object,
        connect: (config: object, onConnect: () => void, onError: (error: Error) => void) => Socket,
      ) => object;
    };
  };
  export default bolt;
}

declare module 'neo4j-driver-bolt-connection/lib/connection/index.js' {
  const connections: {
    createChannelConnection(
      address: object,
      config: object,
      errorHandler: object,
      log: object,
      clientCertificate: null,
      serverSideRouting: null,
      serverSideRoutingCallback: undefined,
      createChannel: (config: object) => object,
    ): Promise<{ readonly id: number }>;
  };
  export default connections;
}
