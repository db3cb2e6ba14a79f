import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createContextValues, type Interceptor } from '@connectrpc/connect';
import { describe, expect, it } from '@jest/globals';
import { type Principal, principalKey } from '@morag/auth';
import { DomainError, reasonOf, violationsOf } from '@morag/errors';
import { RequestInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { Health } from '@morag/gen/grpc/health/v1/health_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { fakeAuthenticator, runUnary, SERVER_ID } from '../../test/fixture.ts';
import { peerAddressKey, requestIdKey } from '../call-context.ts';
import { createAccessRules } from '../server/access-rules.ts';
import { createAdmission } from '../server/admission.ts';
import type { CallObserver, FinishedCall } from '../server/call-observer.ts';
import { accessLog } from './access-log.interceptor.ts';
import { admit } from './admission.interceptor.ts';
import { authentication } from './authentication.interceptor.ts';
import { errorMapping } from './errors.interceptor.ts';
import { permission } from './permission.interceptor.ts';
import { requestId } from './request-id.interceptor.ts';
import { validation } from './validation.interceptor.ts';

const { getServer, createServer, listServerTypes, purgeOwner } = ServerService.method;
const rules = createAccessRules([ServerService, Health]);
const server = create(ServerSchema, { id: SERVER_ID });

/** What a call fails with. */
async function failure(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('the call succeeded');
}

describe('requestId', () => {
  it('takes a well-formed one, and puts it into context and answer', async () => {
    const header = new Headers({ 'x-request-id': 'a:1' });
    let seen = '';
    const handler = (req: { contextValues: ReturnType<typeof createContextValues> }) => {
      seen = req.contextValues.get(requestIdKey);
      return server;
    };
    const res = await runUnary(requestId, getServer, handler, { header });
    expect([seen, res.header.get('x-request-id')]).toEqual(['a:1', 'a:1']);
  });

  it.each(['', 'a b', 'ä', 'x'.repeat(129), '{"a":1}'])('replaces %j', async (given) => {
    const header = { get: () => given } as unknown as Headers;
    const res = await runUnary(requestId, getServer, () => server, { header });
    expect(res.header.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('puts it into an error', async () => {
    const call = runUnary(requestId, getServer, () => Promise.reject(new ConnectError('x', Code.NotFound)));
    expect(((await failure(call)) as ConnectError).metadata.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('errorMapping', () => {
  it('gives an error reason and request id', async () => {
    const contextValues = createContextValues().set(requestIdKey, 'r-1');
    const handler = () => Promise.reject(new DomainError('SERVER_EXISTS', 'Exists.'));
    const error = (await failure(runUnary(errorMapping, getServer, handler, { contextValues }))) as ConnectError;
    expect(reasonOf(error)).toBe('SERVER_EXISTS');
    expect(error.findDetails(RequestInfoSchema)).toMatchObject([{ requestId: 'r-1' }]);
  });

  it.each([
    ['the caller left', new DOMException('gone', 'AbortError'), 'CANCELLED'],
    ['the caller left with an error of its own', new Error('the service stops'), 'CANCELLED'],
    ['the deadline passed', new ConnectError('the operation timed out', Code.DeadlineExceeded), 'DEADLINE_EXCEEDED'],
  ])('says that %s, whatever a driver says of it', async (_, reason, expected) => {
    const handler = () => Promise.reject(new Error('canceling statement due to user request'));
    const signal = AbortSignal.abort(reason);
    expect(reasonOf(await failure(runUnary(errorMapping, getServer, handler, { signal })))).toBe(expected);
  });

  it('leaves a reason as it is, also after an abort', async () => {
    const handler = () => Promise.reject(new DomainError('SERVER_EXISTS', 'Exists.'));
    const call = runUnary(errorMapping, getServer, handler, { signal: AbortSignal.abort() });
    expect(reasonOf(await failure(call))).toBe('SERVER_EXISTS');
  });
});

describe('accessLog', () => {
  it('begins and ends every call once, with its error', async () => {
    let open = 0;
    const calls: FinishedCall[] = [];
    const observer: CallObserver = {
      begin: () => void (open += 1),
      end: (call) => {
        open -= 1;
        calls.push(call);
      },
    };
    const boom = new Error('boom');
    await runUnary(accessLog(observer), getServer, () => server);
    await failure(runUnary(accessLog(observer), getServer, () => Promise.reject(boom)));
    expect(open).toBe(0);
    expect(calls.map(({ error }) => error)).toEqual([undefined, boom]);
    expect(calls[0]).toMatchObject({ method: getServer, ms: expect.any(Number) });
  });
});

describe('admit', () => {
  it('refuses what is over the bound, and lets in again when there is room', async () => {
    const admission = createAdmission(1);
    const { promise, resolve } = Promise.withResolvers<typeof server>();
    const first = runUnary(admit(admission), getServer, () => promise);
    const refused = await failure(runUnary(admit(admission), getServer, () => server));
    expect(refused).toMatchObject({ reason: 'OVERLOADED', retryAfterMs: expect.any(Number) });
    expect(admission.enter('stream')).toBeInstanceOf(Function);
    resolve(server);
    await first;
    expect((await runUnary(admit(admission), getServer, () => server)).message).toBe(server);
  });

  it('never refuses a health check for load', async () => {
    const admission = createAdmission(0);
    const status = create(Health.method.check.output);
    expect((await runUnary(admit(admission), Health.method.check, () => status)).message).toBe(status);
  });

  it('counts a failed call as over', async () => {
    const admission = createAdmission(1);
    await failure(runUnary(admit(admission), getServer, () => Promise.reject(new Error('boom'))));
    await admission.drained();
    expect((await runUnary(admit(admission), getServer, () => server)).message).toBe(server);
  });

  it('refuses everything once closed', async () => {
    const admission = createAdmission(1);
    admission.close();
    expect(await failure(runUnary(admit(admission), getServer, () => server))).toMatchObject({ reason: 'UNAVAILABLE' });
  });
});

describe('authentication', () => {
  const interceptor = authentication(fakeAuthenticator, rules);

  it.each([
    ['Bearer token', { authorization: 'Bearer admin' }],
    ['bearer token in lower case', { authorization: 'bearer  admin' }],
    ['API key', { 'x-api-key': 'admin' }],
  ])('takes a %s', async (_, header) => {
    const contextValues = createContextValues();
    await runUnary(interceptor, getServer, () => server, { header: new Headers(header), contextValues });
    expect(contextValues.get(principalKey)).toMatchObject({ userId: 'admin', credential: 'admin' });
  });

  it.each([
    ['none', {}],
    ['another scheme', { authorization: 'Basic admin' }],
    ['an empty one', { authorization: 'Bearer ' }],
    ['a wrong one', { authorization: 'Bearer nobody' }],
  ])('refuses %s', async (_, header) => {
    const call = runUnary(interceptor, getServer, () => server, { header: new Headers(Object.entries(header)) });
    expect(await failure(call)).toMatchObject({ reason: 'UNAUTHENTICATED' });
  });

  it('tells the authenticator where the call comes from', async () => {
    let address = '';
    const spy = authentication(
      {
        authenticate: (credential, peer, signal) => {
          address = peer.address;
          return fakeAuthenticator.authenticate(credential, peer, signal);
        },
      },
      rules,
    );
    const contextValues = createContextValues().set(peerAddressKey, '192.0.2.1');
    const header = new Headers({ authorization: 'Bearer admin' });
    await runUnary(spy, getServer, () => server, { header, contextValues });
    expect(address).toBe('192.0.2.1');
  });

  it('asks nobody for a public method', async () => {
    const status = create(Health.method.check.output);
    const header = new Headers({ authorization: 'Bearer nobody' });
    expect((await runUnary(interceptor, Health.method.check, () => status, { header })).message).toBe(status);
  });
});

describe('permission', () => {
  const run = (method: typeof getServer, principal: Partial<Principal>): Promise<unknown> => {
    const contextValues = createContextValues().set(principalKey, {
      permissions: new Set(),
      ...principal,
    } as Principal);
    return runUnary(permission(rules), method, () => server, { contextValues });
  };

  it('lets in who has it', async () => {
    const permissions = new Set(['servers:read']);
    expect(await run(getServer, { permissions })).toMatchObject({ message: server });
  });

  it('names the one that is missing', async () => {
    expect(await failure(Promise.resolve().then(() => run(getServer, {})))).toMatchObject({
      reason: 'PERMISSION_DENIED',
      metadata: { permission: 'servers:read' },
    });
  });

  it('lets anybody who is authenticated call a method that asks no more', async () => {
    expect(await run(listServerTypes as never, { kind: 'user' })).toMatchObject({ message: server });
  });

  it('keeps API keys out of what is for people, but where the contract lets them in', async () => {
    const ofAuth = createAccessRules([AuthService]);
    const contextValues = createContextValues().set(principalKey, { kind: 'api_key' } as Principal);
    const call = async (method: typeof getServer) =>
      runUnary(permission(ofAuth), method, () => server, { contextValues });
    const { logout, listPermissions } = AuthService.method;
    expect(await failure(call(logout as never))).toMatchObject({
      reason: 'PERMISSION_DENIED',
      metadata: { permission: 'session' },
    });
    expect(await call(listPermissions as never)).toMatchObject({ message: server });
  });

  it('keeps internal methods to services', async () => {
    const all = new Set(['servers:read', 'servers:write']);
    const call = Promise.resolve().then(() => run(purgeOwner as never, { kind: 'user', permissions: all }));
    expect(await failure(call)).toMatchObject({ reason: 'PERMISSION_DENIED' });
    expect(await run(purgeOwner as never, { kind: 'service' })).toMatchObject({ message: server });
  });
});

describe('validation', () => {
  it('lets a valid message pass', async () => {
    const message = create(getServer.input, { serverId: SERVER_ID });
    expect((await runUnary(validation(), getServer, () => server, { message })).message).toBe(server);
  });

  it('refuses an invalid one before the handler sees it', async () => {
    let handled = false;
    const handler = () => {
      handled = true;
      return server;
    };
    const mapped: Interceptor = (next) => errorMapping(validation()(next));
    const error = (await failure(runUnary(mapped, createServer, handler))) as ConnectError;
    expect(violationsOf(error)).toEqual([{ field: 'server', description: expect.stringContaining('required') }]);
    expect(handled).toBe(false);
  });
});
