import type { ServerSettings } from '@morag/connectors-core';
import { createConnector, type ServerType } from '@morag/connectors-registry';
import { createEgress } from '@morag/egress';
import { recordsOf, take } from './records.ts';

/** What the program is to do, as its only argument. */
export interface StreamJob {
  readonly vendor: string;
  readonly settings: ServerSettings;
  readonly collection: string;
  readonly dimension: number;
  readonly count: number;
  readonly batch: number;
  readonly streams: number;
}

/** What it prints. */
export interface StreamResult {
  /** Resident memory at its highest. */
  readonly peakBytes: number;
}

/** Servers that merge the segments of a large index hold writes up meanwhile, on few cores for minutes. */
const BATCH_MS_MAX = 600_000;

/** Upserts records that are made as they are sent, several batches at once. */
async function stream({ vendor, settings, ...job }: StreamJob): Promise<void> {
  const type = vendor.toUpperCase() as ServerType;
  const connector = await createConnector(
    { type, ...settings },
    { egress: createEgress({ allow: [], embedded: true }) },
  );
  const records = recordsOf(job.dimension, job.count);
  const send = async () => {
    for (let batch = take(records, job.batch); batch.length > 0; batch = take(records, job.batch)) {
      await connector.upsert(job.collection, batch, { timeoutMs: BATCH_MS_MAX });
    }
  };
  await Promise.all(Array.from({ length: job.streams }, send));
  await connector.close();
}

await stream(JSON.parse(process.argv[2] ?? '') as StreamJob);
const result: StreamResult = { peakBytes: process.resourceUsage().maxRSS * 1024 };
process.stdout.write(JSON.stringify(result));
