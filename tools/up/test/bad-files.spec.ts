import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@morag/testing';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import { expectRefusal, type HttpAnswer, send } from './http-client.ts';
import { newDatabase, newServer } from './resources.ts';

const BYTES_MAX = 64 * 1024;

let all: AllServices;
let person: Person;
let databaseId: string;

beforeAll(async () => {
  all = await startAllServices({ env: { MORAG_MAX_UPLOAD_BYTES: String(BYTES_MAX) } });
  person = await all.newUser();
  databaseId = await newDatabase(all, person, { serverId: await newServer(all, person) });
}, 60_000);

afterAll(() => all.stop());

function upload(name: string, content: string | Uint8Array<ArrayBuffer>, fields: Record<string, string> = {}) {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.set(field, value);
  form.set('file', new Blob([content]), name);
  return send(all, person, { method: 'POST', path: `/v1/databases/${databaseId}/documents:upload`, body: form });
}

function get(path: string): Promise<HttpAnswer> {
  return send(all, person, { method: 'GET', path });
}

/** The smallest thing that calls itself an encrypted PDF: its password is nobody's. */
const ENCRYPTED = `%PDF-1.4
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >> endobj
trailer << /Size 4 /Root 1 0 R /ID [<00> <00>]
/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${'00'.repeat(32)}> /U <${'00'.repeat(32)}> >> >>
startxref
0
%%EOF
`;
const CORRUPT = '%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\nand then nothing that belongs there';
const PNG = Buffer.from('89504e470d0a1a0a0000000d4948445200000001000000010806000000', 'hex');

describe('an upload that is refused', () => {
  it.each([
    ['an empty file', 'empty.txt', '', 400, 'EMPTY_FILE', undefined],
    ['a file over the limit', 'large.txt', 'a'.repeat(BYTES_MAX + 1), 413, 'FILE_TOO_LARGE', undefined],
    ['a picture', 'picture.png', PNG, 400, 'UNSUPPORTED_FILE_TYPE', undefined],
    ['a picture that calls itself a text', 'picture.txt', PNG, 400, 'UNSUPPORTED_FILE_TYPE', undefined],
    ['a text that calls itself a PDF', 'paper.pdf', 'only text', 400, 'UNSUPPORTED_FILE_TYPE', undefined],
    ['a name of 256 characters', `${'n'.repeat(252)}.txt`, 'text', 400, 'INVALID_ARGUMENT', 'name'],
  ])('%s leaves nothing behind', async (_what, name, content, status, reason, field) => {
    expectRefusal(await upload(name, content), { status, reason, field });
    expect((await get('/v1/documents')).body).toMatchObject({ documents: [] });
    expect((await get(`/v1/databases/${databaseId}`)).body).toMatchObject({ documentCount: 0 });
  });

  it('has a field that nobody knows', async () => {
    expectRefusal(await upload('a.txt', 'text', { colour: 'red' }), {
      status: 400,
      reason: 'INVALID_ARGUMENT',
      field: 'colour',
    });
  });

  it('is no form', async () => {
    const path = `/v1/databases/${databaseId}/documents:upload`;
    expectRefusal(await send(all, person, { method: 'POST', path, body: { file: 'text' } }), {
      status: 415,
      reason: 'UNSUPPORTED_MEDIA_TYPE',
      field: 'Content-Type',
    });
  });
});

describe('a file that cannot be read', () => {
  it.each([
    ['a corrupt PDF', 'corrupt.pdf', CORRUPT, 'UNREADABLE_FILE'],
    ['an encrypted PDF', 'secret.pdf', ENCRYPTED, 'UNREADABLE_FILE'],
    ['a text of nothing but blanks', 'blank.txt', ' \n\t\n ', 'NO_TEXT_FOUND'],
  ])('%s: its job fails with the reason, and nothing of it is found', async (_what, name, content, reason) => {
    const { status, body } = await upload(name, content);
    expect(status).toBe(200);
    const path = `/v1/jobs/${String(body.jobId)}`;
    const job = await eventually(
      async () => {
        const answer = (await get(path)).body;
        expect(answer.status).toBe('FAILED');
        return answer;
      },
      { timeoutMs: 15_000 },
    );
    expect(job).toMatchObject({ failure: { reason, detail: expect.stringContaining(name) }, attemptCount: 1 });
    const document = (await get(`/v1/documents/${String(body.id)}`)).body;
    expect(document).toMatchObject({ state: 'PENDING', chunkCount: 0, failure: { reason } });
    const search = { method: 'POST', path: `/v1/databases/${databaseId}:search`, body: { query: 'nothing' } };
    expect((await send(all, person, search)).body).toMatchObject({ hits: [] });
  });
});

it('reads a text that is not UTF-8 as what it is', async () => {
  const text = 'Der Käse reift über drei Wochen im Keller. Die größte Kälte schadet ihm nicht, aber Wärme.\n'.repeat(4);
  const { body } = await upload('latin1.txt', Uint8Array.from(Buffer.from(text, 'latin1')));
  await eventually(
    async () => expect((await get(`/v1/documents/${String(body.id)}`)).body).toMatchObject({ state: 'INGESTED' }),
    { timeoutMs: 20_000 },
  );
  const { chunks } = (await get(`/v1/documents/${String(body.id)}/chunks`)).body as { chunks: { text: string }[] };
  expect(chunks[0]?.text).toContain('Käse');
}, 30_000);
