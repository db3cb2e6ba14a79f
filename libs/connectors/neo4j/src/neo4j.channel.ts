import type { Socket } from 'node:net';
import type { Driver } from 'neo4j-driver';
import bolt from 'neo4j-driver-bolt-connection';
import connections from 'neo4j-driver-bolt-connection/lib/connection/index.js';

/** A connection of the driver, as far as it is of interest here. */
export interface BoltConnection {
  readonly id: number;
}

/** How the driver comes by a connection, once per statement. */
interface ConnectionProvider {
  readonly _config: object;
  readonly _log: object;
  _createConnectionErrorHandler(): object;
  _createChannelConnection(address: object): Promise<BoltConnection>;
  acquireConnection(options: object): Promise<BoltConnection>;
}

export interface ChannelHooks {
  /** A socket that is connected, and secured where that is wanted. */
  open(): Promise<Socket>;
  /** Each time that a statement gets a connection, new or used. */
  onAcquired(socket: Socket): void;
}

/**
 * Makes a driver talk over sockets that are opened elsewhere. The driver can be told neither to connect to an address
 * and check the certificate for a name, nor to take a socket: so this goes through two of its inner doors, that by which
 * it makes a connection and that by which a statement gets one. Both are of the pinned version.
 */
export function useSockets(driver: Driver, hooks: ChannelHooks): void {
  const inner = driver as unknown as { _getOrCreateConnectionProvider(): ConnectionProvider };
  const provider = inner._getOrCreateConnectionProvider();
  const socketOf = new Map<number, Socket>();

  provider._createChannelConnection = async (address) => {
    const socket = await hooks.open();
    const connection = await connections.createChannelConnection(
      address,
      provider._config,
      provider._createConnectionErrorHandler(),
      provider._log,
      null,
      null,
      undefined,
      (config: object) =>
        new bolt.channel.Channel(config, (_: object, onConnect: () => void, onError: (error: Error) => void) => {
          socket.on('error', onError);
          // The driver expects to be told after it has got the socket.
          process.nextTick(onConnect);
          return socket.setNoDelay(true).setKeepAlive(true);
        }),
    );
    socketOf.set(connection.id, socket);
    socket.once('close', () => socketOf.delete(connection.id));
    return connection;
  };

  const acquire = provider.acquireConnection.bind(provider);
  provider.acquireConnection = async (options) => {
    const connection = await acquire(options);
    const socket = socketOf.get(connection.id);
    if (socket) hooks.onAcquired(socket);
    return connection;
  };
}
