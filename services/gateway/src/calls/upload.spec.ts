import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '@morag/errors';
import { createTestGateway, type TestGateway } from '../testing/gateway.ts';
import { KNOWN_ID, type TestBehaviour } from '../testing/services.ts';

const PATH = `/v1/databases/${KNOWN_ID}/documents:upload`;
const BYTES_MAX = 4_000_000;

let running: TestGateway | undefined;

afterEach(async () => {
  await running?.gateway.stop(100);
  running = undefined;
});

async function start(behaviour: TestBehaviour = {}): Promise<number> {
  running = await createTestGateway(behaviour, { uploadBytesMax: BYTES_MAX });
  const { port } = await running.gateway.start();
  return port;
}

type Part = readonly [name: string, value: string | File];

async function upload(port: number, parts: readonly Part[], query = '') {
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value);
  const response = await fetch(`http://127.0.0.1:${port}${PATH}${query}`, { method: 'POST', body: form });
  return {
    status: response.status,
    headers: response.headers,
    json: (await response.json()) as Record<string, unknown>,
  };
}

function file(bytes: number, name = 'manual.md', type = 'text/markdown'): File {
  return new File([Buffer.alloc(bytes, 'x')], name, { type });
}

/** A request whose parts are written by hand. */
function open(port: number): ClientRequest {
  const headers = { 'content-type': 'multipart/form-data; boundary=cut' };
  const request = httpRequest({ host: '127.0.0.1', port, path: PATH, method: 'POST', headers });
  request.on('error', () => {});
  return request;
}

const FILE_HEAD = '--cut\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n';

async function answerTo(request: ClientRequest): Promise<Record<string, unknown>> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return JSON.parse(text) as Record<string, unknown>;
}

describe('an upload', () => {
  it('streams the file behind its fields', async () => {
    const pieces: number[] = [];
    const port = await start({ onPiece: (bytes) => pieces.push(bytes) });
    const { status, headers, json } = await upload(port, [
      ['name', 'The manual'],
      ['metadata', '{"lang":"de","n":{"deep":[1]}}'],
      ['file', file(3_000_000)],
    ]);
    expect(status).toBe(200);
    expect(headers.get('etag')).toBe('"d1"');
    expect(json).toMatchObject({
      name: 'The manual',
      databaseId: KNOWN_ID,
      sizeBytes: '3000000',
      metadata: { lang: 'de', n: { deep: [1] }, mediaType: 'text/markdown' },
    });
    expect(pieces[0]).toBe(0);
    expect(Math.max(...pieces)).toBeLessThanOrEqual(256 * 1024);
  });

  it('takes the name of the file, without its folders', async () => {
    const port = await start();
    expect((await upload(port, [['file', file(10, '../../etc/Grüße 🦆.md')]])).json).toMatchObject({
      name: 'Grüße 🦆.md',
    });
  });

  it('takes fields behind a small file, and refuses them behind a large one', async () => {
    let uploaded = 0;
    const port = await start({ onUploaded: () => uploaded++ });
    const small = await upload(port, [
      ['file', file(1_000)],
      ['name', 'Later'],
    ]);
    expect(small.json).toMatchObject({ name: 'Later', sizeBytes: '1000' });
    const large = await upload(port, [
      ['file', file(3_000_000)],
      ['name', 'Later'],
    ]);
    expect(large.json).toMatchObject({ status: 400, violations: [{ field: 'name' }] });
    expect(uploaded).toBe(1);
  });

  it.each<[string, readonly Part[], object]>([
    ['no file', [['name', 'x']], { status: 400, violations: [{ field: 'file', description: 'is missing' }] }],
    [
      'two files',
      [
        ['file', file(10)],
        ['file', file(10)],
      ],
      { status: 400, violations: [{ field: 'file', description: 'is given twice' }] },
    ],
    [
      'a file of another name',
      [['upload', file(10)]],
      { status: 400, violations: [{ field: 'upload', description: 'is not a known file; send it as "file"' }] },
    ],
    [
      'a field twice',
      [
        ['name', 'a'],
        ['name', 'b'],
        ['file', file(10)],
      ],
      { status: 400, violations: [{ field: 'name', description: 'is given twice' }] },
    ],
    [
      'an unknown field',
      [
        ['colour', 'red'],
        ['file', file(10)],
      ],
      { status: 400, violations: [{ field: 'colour', description: expect.any(String) }] },
    ],
    [
      'the content as a field',
      [
        ['content', 'AQID'],
        ['file', file(10)],
      ],
      { status: 400, violations: [{ field: 'content', description: expect.any(String) }] },
    ],
    [
      'another database',
      [
        ['databaseId', KNOWN_ID],
        ['file', file(10)],
      ],
      { status: 400, violations: [{ field: 'databaseId', description: expect.any(String) }] },
    ],
    [
      'metadata that is a list',
      [
        ['metadata', '[1]'],
        ['file', file(10)],
      ],
      { status: 400, violations: [{ field: 'metadata', description: 'must be an object' }] },
    ],
    [
      'metadata with a name twice',
      [
        ['metadata', '{"a":1,"a":2}'],
        ['file', file(10)],
      ],
      { type: 'urn:morag:error:MALFORMED_BODY' },
    ],
    [
      'a field that is too long',
      [
        ['name', 'x'.repeat(70_000)],
        ['file', file(10)],
      ],
      { status: 400, violations: [{ field: 'name', description: 'must not exceed 65536 bytes' }] },
    ],
    [
      'too many fields',
      Array.from({ length: 30 }, (_, n): Part => [`f${n}`, 'x']),
      { status: 400, detail: 'The form has more than 20 fields.' },
    ],
    ['an empty file', [['file', file(0)]], { status: 400, type: 'urn:morag:error:EMPTY_FILE' }],
    ['a file over the limit', [['file', file(BYTES_MAX + 1)]], { status: 413, type: 'urn:morag:error:FILE_TOO_LARGE' }],
  ])('with %s is refused', async (_what, parts, problem) => {
    const port = await start();
    expect((await upload(port, parts)).json).toMatchObject(problem);
  });

  it('takes no query', async () => {
    const port = await start();
    expect((await upload(port, [['file', file(10)]], '?name=x')).json).toMatchObject({ status: 400 });
  });

  it('of a length that says it is too large is not read at all', async () => {
    const request = open(await start());
    request.setHeader('content-length', String(10 ** 10));
    request.flushHeaders();
    expect(await answerTo(request)).toMatchObject({ status: 413 });
    request.destroy();
  });

  it('without an end is cut off at the limit', async () => {
    const request = open(await start());
    request.write(FILE_HEAD);
    const chunk = Buffer.alloc(64 * 1024);
    const pump = setInterval(() => request.write(chunk), 1);
    expect(await answerTo(request)).toMatchObject({ status: 413, type: 'urn:morag:error:FILE_TOO_LARGE' });
    clearInterval(pump);
    request.destroy();
  });

  it('that breaks off in the middle of its form is refused', async () => {
    const request = open(await start());
    request.end(`${FILE_HEAD}half a file`);
    expect(await answerTo(request)).toMatchObject({ status: 400, type: 'urn:morag:error:MALFORMED_BODY' });
    expect(running?.services.calls).toHaveLength(0);
  });

  it('whose service refuses it is answered at once, with the client still sending', async () => {
    const port = await start({
      onPiece: (bytes) => {
        if (bytes > 0) throw new DomainError('UNSUPPORTED_FILE_TYPE', 'Not a type that can be read.');
      },
    });
    const request = open(port);
    request.write(FILE_HEAD);
    request.write(Buffer.alloc(2_000_000));
    expect(await answerTo(request)).toMatchObject({ status: 400, type: 'urn:morag:error:UNSUPPORTED_FILE_TYPE' });
    request.destroy();
  });

  it('whose client vanishes is aborted', async () => {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const port = await start({ onPiece: (bytes) => bytes > 0 && resolve() });
    const request = open(port);
    request.write(FILE_HEAD);
    request.write(Buffer.alloc(2_000_000));
    await arrived;
    const { signal } = running?.services.last() ?? {};
    const aborted = signal?.aborted ? Promise.resolve() : once(signal as AbortSignal, 'abort');
    request.destroy();
    await aborted;
    expect(signal?.aborted).toBe(true);
  });

  it('that is under way when the gateway stops comes to its end', async () => {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const port = await start({ onPiece: (bytes) => bytes > 0 && resolve() });
    const request = open(port);
    request.write(FILE_HEAD);
    request.write(Buffer.alloc(2_000_000));
    await arrived;
    const stopped = running?.gateway.stop();
    request.end('\r\n--cut--\r\n');
    expect(await answerTo(request)).toMatchObject({ sizeBytes: '2000000' });
    await stopped;
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow('fetch failed');
  });

  it('that is no form is refused', async () => {
    const port = await start();
    const send = async (type: string, body: string) => {
      const headers = { 'content-type': type };
      return (await fetch(`http://127.0.0.1:${port}${PATH}`, { method: 'POST', headers, body })).json();
    };
    expect(await send('application/json', '{}')).toMatchObject({ status: 415 });
    expect(await send('multipart/form-data', 'x')).toMatchObject({ status: 415 });
    expect(await send('multipart/form-data; boundary=cut', 'no part at all')).toMatchObject({ status: 400 });
  });
});
