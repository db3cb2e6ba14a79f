import { CreateBucketCommand, DeleteObjectsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AwsStandIn, startAwsStandIn } from '@morag/servers-lab';
import { type Installation, newInstallation } from '@morag/testing';

const BUCKET = 'morag-test';
const TEXT = 'The lighthouse keeper winds the clock each evening at nine. '.repeat(20);

let aws: AwsStandIn;
let s3: S3Client;
let installation: Installation;
let databaseId: string;

beforeAll(async () => {
  aws = await startAwsStandIn();
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  s3 = new S3Client({ endpoint: aws.url, region: 'us-east-1', forcePathStyle: true, credentials });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const url = `s3://${BUCKET}/files?endpoint=${encodeURIComponent(aws.url)}&region=us-east-1`;
  installation = await newInstallation({ MORAG_BLOB_URL: url, ...aws.env });
  await installation.start();
  const { databases } = (await installation.call<{ databases: { id: string }[] }>('GET', '/v1/databases')).body;
  databaseId = databases[0]?.id ?? '';
}, 180_000);

afterAll(async () => {
  await installation?.remove();
  s3?.destroy();
  await aws?.stop();
});

async function keys(): Promise<readonly string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  return Contents.map(({ Key = '' }) => Key);
}

/** The job's last event. */
async function ingest(name: string): Promise<string> {
  const headers = { authorization: `Bearer ${await installation.token()}` };
  const form = new FormData();
  form.append('file', new Blob([TEXT]), name);
  const url = `${installation.gateway}/v1/databases/${databaseId}/documents:upload`;
  const { jobId } = (await (await fetch(url, { method: 'POST', headers, body: form })).json()) as { jobId: string };
  const events = await (await fetch(`${installation.gateway}/v1/jobs/${jobId}:watch`, { headers })).text();
  return events.trim().split('\n').at(-1) ?? '';
}

describe('uploaded files in an object store', () => {
  it('are kept once under their hash, and ingested from there', async () => {
    expect(await ingest('keeper.txt')).toContain('FINISHED');
    expect(await keys()).toEqual([expect.stringMatching(/^files\/[0-9a-f]{64}\/[0-9a-f-]{36}$/)]);
    expect(await ingest('the-same.txt')).toContain('FINISHED');
    expect(await keys()).toHaveLength(1);
    const path = `/v1/databases/${databaseId}:search`;
    const { body } = await installation.call<{ hits: { text: string }[] }>('POST', path, {
      query: 'Who winds the clock?',
    });
    expect(body.hits[0]?.text).toContain('lighthouse keeper');
  }, 120_000);

  it('are kept anew when what was kept is lost and they are uploaded again', async () => {
    const Objects = (await keys()).map((Key) => ({ Key }));
    await s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects } }));
    expect(await keys()).toEqual([]);
    expect(await ingest('keeper.txt')).toContain('FINISHED');
    expect(await keys()).toHaveLength(1);
  }, 120_000);
});
