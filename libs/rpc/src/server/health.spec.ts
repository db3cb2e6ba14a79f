import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Health, HealthCheckResponse_ServingStatus as Status } from '@morag/gen/grpc/health/v1/health_pb.ts';
import { type HostFixture, startHost } from '../../test/fixture.ts';

const SERVICE = 'morag.servers.v1.ServerService';

let fixture: HostFixture;
const health = () => createClient(Health, fixture.host.transport());

beforeEach(async () => {
  fixture = await startHost();
});
afterEach(() => fixture.host.stop());

describe('grpc.health.v1.Health', () => {
  it('checks the host and each of its services', async () => {
    expect((await health().check({})).status).toBe(Status.SERVING);
    expect((await health().check({ service: SERVICE })).status).toBe(Status.SERVING);
    fixture.host.setServing(false);
    expect((await health().check({ service: SERVICE })).status).toBe(Status.NOT_SERVING);
  });

  it('says when something that the host needs is away, and when it is back', async () => {
    let database = true;
    const needy = await startHost({}, { readiness: async () => ({ database }) });
    const client = createClient(Health, needy.host.transport());
    const leave = new AbortController();
    const seen: Status[] = [];
    for await (const { status } of client.watch({}, { signal: leave.signal })) {
      seen.push(status);
      if (seen.length === 3) break;
      database = !database;
      expect((await client.check({})).status).toBe(database ? Status.SERVING : Status.NOT_SERVING);
    }
    leave.abort();
    expect(seen).toEqual([Status.SERVING, Status.NOT_SERVING, Status.SERVING]);
    await needy.host.stop();
  });

  it('does not know other services', async () => {
    const error = await health().check({ service: 'x' }).catch(ConnectError.from);
    expect(error).toMatchObject({ code: Code.NotFound });
  });

  it('lists them all', async () => {
    const { statuses } = await health().list({});
    expect(Object.keys(statuses).sort()).toEqual(['', 'morag.servers.v1.RecordService', SERVICE]);
    expect(statuses[SERVICE]?.status).toBe(Status.SERVING);
  });

  it('tells a watcher of each change, once', async () => {
    const leave = new AbortController();
    const seen: Status[] = [];
    for await (const { status } of health().watch({ service: SERVICE }, { signal: leave.signal })) {
      seen.push(status);
      if (seen.length === 1) {
        fixture.host.setServing(true);
        fixture.host.setServing(false);
      }
      if (seen.length === 2) fixture.host.setServing(true);
      if (seen.length === 3) break;
    }
    leave.abort();
    expect(seen).toEqual([Status.SERVING, Status.NOT_SERVING, Status.SERVING]);
  });

  it('tells a watcher of an unknown service that it is one', async () => {
    const leave = new AbortController();
    for await (const { status } of health().watch({ service: 'x' }, { signal: leave.signal })) {
      expect(status).toBe(Status.SERVICE_UNKNOWN);
      break;
    }
    leave.abort();
  });
});
