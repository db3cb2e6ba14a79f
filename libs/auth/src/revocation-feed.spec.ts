import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AuthService,
  type WatchRevocationsResponse,
  WatchRevocationsResponseSchema,
} from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { eventually, fixedClock } from '@morag/testing';
import { createRevocationFeed, type RemoteRevocationFeed } from './revocation-feed.ts';
import { createServiceTokens } from './service-tokens.ts';

type Serve = (signal: AbortSignal) => AsyncIterable<WatchRevocationsResponse>;

let clock: ReturnType<typeof fixedClock>;
let feed: RemoteRevocationFeed;
let serve: Serve;
let streams: number;
let errors: unknown[];
let authorizations: (string | null)[];

beforeEach(() => {
  clock = fixedClock();
  [streams, errors, authorizations] = [0, [], []];
  const transport = createRouterTransport(({ service }) => {
    service(AuthService, {
      watchRevocations(_request, context) {
        streams += 1;
        authorizations.push(context.requestHeader.get('authorization'));
        return serve(context.signal);
      },
    });
  });
  feed = createRevocationFeed({
    client: createClient(AuthService, transport),
    tokens: createServiceTokens({ service: 'servers', secret: Buffer.alloc(32, 1) }),
    silenceMsMax: 200,
    now: clock.now,
    onError: (error) => errors.push(error),
  });
});

afterEach(() => feed.stop());

const message = (revoked: string[] = [], snapshotComplete = true): WatchRevocationsResponse =>
  create(WatchRevocationsResponseSchema, {
    snapshotComplete,
    revocations: revoked.map((userId) => ({
      userId,
      notAfterTime: timestampFromMs(clock.now()),
      expireTime: timestampFromMs(clock.now() + 900_000),
    })),
  });

const tokenOf = (userId: string) => ({ userId, sessionId: 's', issuedAtMs: clock.now() });

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

describe('the feed', () => {
  it('is fresh once everything in force has come, not before', async () => {
    const rest = Promise.withResolvers<void>();
    serve = async function* (signal) {
      yield message(['u1'], false);
      await rest.promise;
      yield message(['u2']);
      await untilAborted(signal);
    };
    feed.start();
    await eventually(() => expect(feed.isRevoked(tokenOf('u1'))).toBe(true));
    expect(feed.isFresh()).toBe(false);
    rest.resolve();
    await eventually(() => expect(feed.isFresh()).toBe(true));
    expect(feed.isRevoked(tokenOf('u2'))).toBe(true);
    expect(feed.isRevoked(tokenOf('u3'))).toBe(false);
    expect(authorizations[0]).toMatch(/^Bearer ey/);
  });

  it('comes back after an error, and then knows what happened meanwhile', async () => {
    serve = async function* () {
      yield message(['u1']);
      throw new ConnectError('gone', Code.Unavailable);
    };
    feed.start();
    await eventually(() => expect(errors).not.toHaveLength(0));
    serve = async function* (signal) {
      yield message(['u1', 'u2']);
      await untilAborted(signal);
    };
    await eventually(() => expect(feed.isRevoked(tokenOf('u2'))).toBe(true));
    expect(feed.isRevoked(tokenOf('u1'))).toBe(true);
  });

  it('leaves a stream that fell silent, and is stale meanwhile', async () => {
    serve = async function* (signal) {
      yield message();
      await untilAborted(signal);
    };
    feed.start();
    await eventually(() => expect(feed.isFresh()).toBe(true));
    clock.advance(201);
    expect(feed.isFresh()).toBe(false);
    await eventually(() => expect(streams).toBeGreaterThan(1));
    await eventually(() => expect(feed.isFresh()).toBe(true));
  });

  it('forgets a revocation when its last token has expired', async () => {
    const next = Promise.withResolvers<void>();
    // The same however often it is asked for.
    const revocation = message(['u1']);
    serve = async function* (signal) {
      yield revocation;
      await next.promise;
      yield message();
      await untilAborted(signal);
    };
    feed.start();
    const token = tokenOf('u1');
    await eventually(() => expect(feed.isRevoked(token)).toBe(true));
    clock.advance(900_001);
    next.resolve();
    await eventually(() => expect(feed.isRevoked(token)).toBe(false));
  });

  it('stops while it waits for a server that is away', async () => {
    serve = () => {
      throw new ConnectError('away', Code.Unavailable);
    };
    feed.start();
    await eventually(() => expect(errors.length).toBeGreaterThan(2));
    await feed.stop();
    const before = streams;
    expect(feed.isFresh()).toBe(false);
    expect(streams).toBe(before);
  });
});
