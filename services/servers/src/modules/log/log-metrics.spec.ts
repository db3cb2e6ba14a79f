import { expect, it } from '@jest/globals';
import { createMetrics } from '@morag/telemetry';
import { createLogMetrics } from './log-metrics.ts';

it('counts what becomes of the logs, and forgets a database that is gone', async () => {
  const metrics = createMetrics({ service: 'test' });
  const observer = createLogMetrics(metrics);
  const lines = async (): Promise<string[]> =>
    (await metrics.text()).split('\n').filter((line) => /^morag_(?:placement|primary)_/.test(line));

  observer.applied({ serverId: 's', databaseId: 'd' }, 3, 7);
  observer.applied({ serverId: 's', databaseId: 'd' }, 2, 0);
  observer.switched('d');
  expect(await lines()).toEqual([
    'morag_placement_applied_records_total{server="s",database="d",service="test"} 5',
    'morag_primary_changes_total{database="d",service="test"} 1',
    'morag_placement_lag_mutations{server="s",database="d",service="test"} 0',
    'morag_placement_lag_seconds{server="s",database="d",service="test"} 0',
  ]);
  observer.behind([{ serverId: 't', databaseId: 'd', mutations: 4, seconds: 1.5 }]);
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'morag_placement_lag_mutations{server="s",database="d",service="test"} 0',
      'morag_placement_lag_mutations{server="t",database="d",service="test"} 4',
      'morag_placement_lag_seconds{server="t",database="d",service="test"} 1.5',
    ]),
  );
  observer.behind([]);
  expect((await lines()).filter((line) => line.includes('server="t"'))).toEqual([]);
  expect(await lines()).toContain('morag_placement_lag_seconds{server="s",database="d",service="test"} 0');
  observer.forget('d');
  expect(await lines()).toEqual([]);
});
