import { createEmbedder } from '@morag/embedder';
import { newInstallation } from '@morag/testing';
import { mulberry32, quantile } from './paired.ts';
import { type Line, numberLine } from './report.ts';

/** Fewer for a quick look: MORAG_BENCH_BYTES. */
const BYTES = Number(process.env.MORAG_BENCH_BYTES ?? 1_000_000);
const ROUNDS = 2;
const PAGE = 1_000;

/** Q4: from upload to searchable for a text of 1 MB, against the bare embedder over the same chunks. */
export async function ingestionBenchmark(): Promise<Line[]> {
  const installation = await newInstallation();
  await installation.start();
  try {
    const { databases } = (await installation.call<{ databases: { id: string }[] }>('GET', '/v1/databases')).body;
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const begun = performance.now();
      const documentId = await upload(
        installation.gateway,
        await installation.token(),
        databases[0]?.id ?? '',
        makeText(round),
      );
      const ours = performance.now() - begun;
      ratios.push(ours / (await embedAlone(await chunkTexts(installation, documentId))));
    }
    return [
      numberLine(
        'Q4',
        `${BYTES / 1e6} MB of text, upload to searchable over the bare embedder`,
        quantile(ratios, 0.5),
        1.15,
      ),
    ];
  } finally {
    await installation.remove();
  }
}

async function upload(gateway: string, token: string, databaseId: string, text: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const form = new FormData();
  form.append('file', new Blob([text]), 'large.txt');
  const url = `${gateway}/v1/databases/${databaseId}/documents:upload`;
  const document = (await (await fetch(url, { method: 'POST', headers, body: form })).json()) as {
    id: string;
    jobId: string;
  };
  const watch = await fetch(`${gateway}/v1/jobs/${document.jobId}:watch`, { headers });
  const events = await watch.text();
  if (!events.includes('"FINISHED"')) throw new Error(`the job did not finish: ${events.slice(-500)}`);
  return document.id;
}

async function chunkTexts(
  installation: Awaited<ReturnType<typeof newInstallation>>,
  documentId: string,
): Promise<string[]> {
  const texts: string[] = [];
  for (let token = ''; ; ) {
    const path = `/v1/documents/${documentId}/chunks?pageSize=${PAGE}&pageToken=${encodeURIComponent(token)}`;
    const { body } = await installation.call<{ chunks: { text: string }[]; nextPageToken: string }>('GET', path);
    texts.push(...body.chunks.map(({ text }) => text));
    token = body.nextPageToken;
    if (token === '') return texts;
  }
}

async function embedAlone(texts: readonly string[]): Promise<number> {
  const embedder = createEmbedder({ provider: 'local' });
  const signal = AbortSignal.timeout(600_000);
  await embedder.embed(['warm up'], 'passage', signal);
  const begun = performance.now();
  await embedder.embed(texts, 'passage', signal);
  const took = performance.now() - begun;
  await embedder.close();
  return took;
}

const WORDS = `valve pump seal rotor bearing shaft coupling flange gasket sensor relay fuse cable panel filter hose tank
gauge lever spring motor fan blade belt chain wheel bolt nut washer plate frame cover door hinge lock pipe joint nozzle
is of the and in with to a on for under over near after before when check replace clean tighten open close turn lift`.split(
  /\s+/,
);

/** Sentences that never repeat, under headings, so that no embedding comes from a cache. */
function makeText(seed: number): string {
  const random = mulberry32(seed + 1);
  const word = (): string => WORDS[Math.floor(random() * WORDS.length)] ?? '';
  const parts: string[] = [];
  for (let size = 0, line = 0; size < BYTES; line += 1) {
    const sentence = `${Array.from({ length: 12 }, word).join(' ')} number ${line}.`;
    const part =
      line % 40 === 0 ? `\n\n${line / 40 + 1}. SECTION ${word().toUpperCase()}\n\n${sentence} ` : `${sentence} `;
    parts.push(part);
    size += part.length;
  }
  return parts.join('');
}
