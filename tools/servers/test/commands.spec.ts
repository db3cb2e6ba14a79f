import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

function run(program: 'main' | 'conformance', ...args: string[]) {
  const path = fileURLToPath(new URL(`../src/${program}.ts`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('npm run servers', () => {
  it.each([
    [['start', 'weaviate'], 'no weaviate server in this version'],
    [['install', 'neo4j'], 'no neo4j server in this version'],
    [['start', 'oracle'], 'usage:'],
    [['restart', 'chroma'], 'usage:'],
    [['start'], 'usage:'],
    [['start', 'chroma', '--port', '65536'], '--port'],
    [['start', 'chroma', '--prot', '1'], 'usage:'],
  ])('refuses %j with exit code 2', (args, text) => {
    const { status, stdout, stderr } = run('main', ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(text);
  });
});

describe('npm run conformance', () => {
  it.each([
    [['qdrant'], 'no connector for qdrant'],
    [['--case', '999'], 'no such case'],
    [['--jsn'], 'usage:'],
  ])('refuses %j with exit code 2', (args, text) => {
    const { status, stderr } = run('conformance', ...args);
    expect(status).toBe(2);
    expect(stderr).toContain(text);
  });
});
