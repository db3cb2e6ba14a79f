import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { UploadDocumentRequestSchema } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { openUpload } from './upload-stream.ts';

const head = create(UploadDocumentRequestSchema, {
  databaseId: '01a20461-5fd9-740b-9f2c-e980530e68f9',
  name: 'a.txt',
  content: Buffer.from('first '),
});
const piece = (content: string) => create(UploadDocumentRequestSchema, { content: Buffer.from(content) });

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const bytes of content) text += Buffer.from(bytes).toString();
  return text;
}

describe('an upload', () => {
  it('is its first message, and then its content', async () => {
    const { input, content } = await openUpload(
      (async function* () {
        yield head;
        yield piece('second ');
        yield piece('');
        yield piece('third');
      })(),
    );
    expect(input).toEqual({ databaseId: head.databaseId, name: 'a.txt', metadata: {}, mediaType: '' });
    expect(await textOf(content)).toBe('first second third');
  });

  describe('that stands still', () => {
    beforeEach(() => {
      jest.useFakeTimers();
    });
    afterEach(() => {
      jest.useRealTimers();
    });

    it('is given up', async () => {
      const { content } = await openUpload(
        (async function* () {
          yield head;
          await new Promise(() => {});
        })(),
      );
      const outcome = textOf(content).catch((error: unknown) => error);
      await jest.advanceTimersByTimeAsync(60_000);
      expect(await outcome).toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
    });
  });
});
