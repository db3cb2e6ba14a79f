import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** What Prometheus makes of a histogram. */
const SERIES = /_(?:bucket|count|sum)$/;

interface Dashboard {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
}

/** Names of metrics as the code of all services registers them. */
function registeredMetrics(): ReadonlySet<string> {
  const files = globSync('{libs,services}/*/src/**/*.ts', { cwd: ROOT });
  const names = files.flatMap((file) => [...readFileSync(`${ROOT}${file}`, 'utf8').matchAll(/name: '(morag_\w+)'/g)]);
  return new Set(names.map(([, name]) => name ?? ''));
}

describe.each(globSync('deploy/grafana/*.json', { cwd: ROOT }))('the dashboard %s', (file) => {
  const { panels } = JSON.parse(readFileSync(`${ROOT}${file}`, 'utf8')) as Dashboard;
  const used = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => expr.match(/morag_\w+/g) ?? []));

  it('shows metrics that there are', () => {
    const registered = registeredMetrics();
    expect(used.length).toBeGreaterThan(panels.length - 1);
    expect(used.filter((name) => !registered.has(name) && !registered.has(name.replace(SERIES, '')))).toEqual([]);
  });

  it('shows every metric of placements', () => {
    const shown = new Set(used.map((name) => name.replace(SERIES, '')));
    const ofPlacements = [...registeredMetrics()].filter((name) => name.startsWith('morag_placement_'));
    expect(ofPlacements.filter((name) => !shown.has(name))).toEqual([]);
  });
});
