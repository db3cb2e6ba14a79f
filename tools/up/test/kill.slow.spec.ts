import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, type Installation, newInstallation } from '@morag/testing';
import type { SearchAnswer } from './questions.ts';

const FILES = 12;
const folder = mkdtempSync(join(tmpdir(), 'morag-many-'));
let installation: Installation;
beforeAll(async () => {
  installation = await newInstallation();
});
afterAll(async () => {
  await installation.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Documents {
  readonly documents: readonly {
    readonly id: string;
    readonly name: string;
    readonly state: string;
    readonly chunkCount: number;
  }[];
}

/** A text of its own for each file, long enough that the kill falls into its ingestion. */
function manual(number: number): string {
  const paragraphs = Array.from({ length: 40 }, (_, index) => {
    const part = index + 1;
    return `## Chapter ${part} of machine ${number}\n\nMachine ${number} in chapter ${part} is oiled every ${part} days with oil
number ${number * 100 + part}, and its belt number ${part} is tightened by hand until it gives by ${part} millimetres.`;
  });
  return `# Machine ${number}\n\n${paragraphs.join('\n\n')}\n`;
}

it('ingests everything once when it is killed in the middle and started again', async () => {
  for (let number = 1; number <= FILES; number += 1)
    writeFileSync(join(folder, `machine-${number}.md`), manual(number));
  await installation.start([folder], 'MoRAG is ready at');
  const list = async (): Promise<Documents['documents']> =>
    (await installation.call<Documents>('GET', '/v1/documents?pageSize=100')).body.documents;
  await eventually(
    async () => {
      const states = (await list()).map(({ state }) => state);
      expect(states.filter((state) => state === 'INGESTED').length).toBeGreaterThanOrEqual(1);
      expect(states.filter((state) => state !== 'INGESTED').length).toBeGreaterThanOrEqual(1);
    },
    { timeoutMs: 60_000 },
  );
  await installation.kill();

  await installation.start([folder], 'Ask them something');
  const documents = await list();
  expect(documents.map(({ name }) => name).sort()).toEqual(
    Array.from({ length: FILES }, (_, index) => `machine-${index + 1}.md`).sort(),
  );
  expect(new Set(documents.map(({ state }) => state))).toEqual(new Set(['INGESTED']));

  const [database] = (
    await installation.call<{ databases: { id: string; documentCount: number }[] }>('GET', '/v1/databases')
  ).body.databases;
  expect(database?.documentCount).toBe(FILES);
  const records = await installation.call<{ count: number }>('POST', `/v1/databases/${database?.id}/records:count`, {});
  expect(records.body.count).toBe(documents.reduce((sum, { chunkCount }) => sum + chunkCount, 0));
  for (const query of ['How often is machine 3 oiled in chapter 7?', 'the belt of machine 11']) {
    const path = `/v1/databases/${database?.id}:search`;
    const { hits } = (await installation.call<SearchAnswer>('POST', path, { query, topK: 50 })).body;
    expect(hits).toHaveLength(50);
    expect(new Set(hits.map(({ text, document }) => `${document.name}\n${text}`)).size).toBe(50);
  }
}, 300_000);
