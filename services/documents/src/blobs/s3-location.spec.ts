import { describe, expect, it } from '@jest/globals';
import { readS3Location } from './s3-location.ts';

const read = (url: string) => readS3Location(new URL(url));

describe('the location of an object store', () => {
  it.each([
    ['s3://bucket', { bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { bucket: 'bucket', prefix: '' }],
    ['s3://bucket/some/folder/', { bucket: 'bucket', prefix: 'some/folder/' }],
    ['s3://bucket?region=eu-central-1', { bucket: 'bucket', prefix: '', region: 'eu-central-1' }],
    [
      's3://bucket/a?endpoint=http://127.0.0.1:9000',
      { bucket: 'bucket', prefix: 'a/', endpoint: 'http://127.0.0.1:9000' },
    ],
  ])('%s', (url, expected) => {
    expect(read(url)).toEqual(expected);
  });

  it.each([
    ['s3:///folder', 'name of a bucket'],
    ['s3://key:secret@bucket', 'AWS_ACCESS_KEY_ID'],
    ['s3://bucket?endpiont=http://x', 'there is no option endpiont'],
    ['s3://bucket?endpoint=ftp://x', 'http:// or https://'],
  ])('%s is refused by the name of the variable, without its text', (url, mistake) => {
    expect(() => read(url)).toThrow(`MORAG_BLOB_URL: `);
    expect(() => read(url)).toThrow(mistake);
    expect(() => read(url)).not.toThrow('secret@');
  });
});
