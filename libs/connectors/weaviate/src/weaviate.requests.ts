/** What the SDK's requests send with. */
type Send = (message: unknown, options: object) => Promise<unknown>;

/**
 * A request of the SDK that ends with the signal and is sent once. The SDK takes a signal for searches alone, though its
 * other requests look at the same field; and it would repeat what is unavailable up to five times, seconds apart,
 * printing each failure, where calls have retries and a deadline of their own.
 */
export function sentOnce<T extends object>(request: T, abortSignal: AbortSignal): T {
  const { connection } = request as { connection: Readonly<Record<string, Send>> };
  const once = new Proxy(connection, {
    get(client, method) {
      const send = client[String(method)];
      return send && ((message: unknown, options: object) => send(message, { ...options, retry: false }));
    },
  });
  return Object.assign(request, { abortSignal, connection: once });
}
