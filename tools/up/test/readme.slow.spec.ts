import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Installation, newInstallation } from '@morag/testing';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

let installation: Installation;
beforeAll(async () => {
  installation = await newInstallation();
  await installation.start();
}, 120_000);
afterAll(() => installation.remove());

/** The shell blocks below a heading of the README, as they are written but for the ports of this test. */
function blocksBelow(heading: string): string {
  const [, section = ''] = readFileSync(`${ROOT}/README.md`, 'utf8').split(`\n## ${heading}\n`);
  const [text = ''] = section.split('\n## ');
  const script = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join('\n');
  const { gateway, servers, chroma } = installation.ports;
  return script
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${gateway}`)
    .replaceAll('127.0.0.1:7002', `127.0.0.1:${servers}`)
    .replaceAll('7800', String(chroma));
}

async function shell(script: string): Promise<string> {
  const env = { ...process.env, MORAG_DATA_DIR: installation.folder };
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: ROOT, env });
  return stdout;
}

it('the quickstart with curl finds the passage', async () => {
  const printed = await shell(blocksBelow('Quickstart with curl'));
  expect(printed).toContain('"success":true');
  expect(printed).toContain('"status":"FINISHED"');
  const answer = JSON.parse(printed.slice(printed.lastIndexOf('{"hits"'))) as { hits: { text: string }[] };
  expect(answer.hits.some(({ text }) => text.includes('npm install && npm start'))).toBe(true);
}, 120_000);

it('a search says what it could not look at', async () => {
  const { gateway } = installation.ports;
  const printed = await shell(`
    TOKEN=$(npx morag token)
    call() { curl -sS -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' "$@"; }
    SERVER=$(call http://127.0.0.1:${gateway}/v1/servers | jq -r '.servers[] | select(.name == "local").id')
    DATABASE=$(call http://127.0.0.1:${gateway}/v1/databases \
      -d '{"name": "broken", "dimension": 384, "serverId": "'$SERVER'"}' | jq -r .id)
    JOB=$(printf '%%PDF-1.7 and then nothing' | curl -sS -H "Authorization: Bearer $TOKEN" -F 'file=@-;filename=a.pdf' \
      http://127.0.0.1:${gateway}/v1/databases/$DATABASE/documents:upload | jq -r .jobId)
    call -N http://127.0.0.1:${gateway}/v1/jobs/$JOB:watch
    npx morag search -d broken anything 2>&1`);
  expect(printed).toContain('"status":"FAILED"');
  expect(printed).toContain('nothing found');
  expect(printed).toContain('Still to be ingested: 1 of its documents.');
}, 120_000);

it('the quickstart with grpcurl lists, describes and calls', async () => {
  const printed = await shell(blocksBelow('Quickstart with grpcurl'));
  expect(printed).toContain('grpc.reflection.v1.ServerReflection');
  expect(printed).toContain('rpc TestConnection');
  expect(printed).toContain('"name": "local"');
}, 60_000);
