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
    [['start', 'pinecone'], 'no pinecone server to be had here'],
    [['install', 'chroma', 'oracle'], 'no oracle server to be had here'],
    [['restart', 'chroma'], 'usage:'],
    [[], 'usage:'],
    [['start', '--port', '18000'], 'belong to one vendor'],
    [['stop', 'chroma', 'pgvector', '--data', '/tmp/x'], 'belong to one vendor'],
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
    [['oracle'], 'no connector for oracle'],
    [['--case', '999'], 'no such case'],
    [['--jsn'], 'usage:'],
  ])('refuses %j with exit code 2', (args, text) => {
    const { status, stderr } = run('conformance', ...args);
    expect(status).toBe(2);
    expect(stderr).toContain(text);
  });
});
