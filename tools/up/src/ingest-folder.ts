import { createReadStream } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { type Document, Document_DocumentState } from '@morag/gen/morag/documents/v1/document_pb.ts';
import {
  DocumentService,
  type UploadDocumentRequestSchema,
} from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { type Job, Job_JobStatus } from '@morag/gen/morag/documents/v1/job_pb.ts';
import { JobService } from '@morag/gen/morag/documents/v1/job_service_pb.ts';
import type { Session } from './session.ts';

/** What became of one file. */
export interface IngestedFile {
  /** Path relative to the folder; also the document's name. */
  readonly name: string;
  /** Undefined when it was ingested. */
  readonly failure: string | undefined;
}

/** Told as things go on; `done` counts files, in part. */
export type Progress = (done: number, total: number, name: string) => void;

const PIECE_BYTES = 256 * 1024;
/** Files under way at once: enough that a worker never waits for an upload. */
const FILES_AT_ONCE = 4;

/** Every file below a folder, hidden ones left out, in order of their paths. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.split('/').some((part) => part.startsWith('.')))
    .sort();
}

/** Uploads every file and waits until each is ingested or has failed. A file that fails does not stop the others. */
export async function ingestFolder(
  documents: Transport,
  session: Session,
  {
    folder,
    databaseId,
    files,
    progress,
    signal,
  }: {
    folder: string;
    databaseId: string;
    files: readonly string[];
    progress: Progress;
    signal: AbortSignal;
  },
): Promise<IngestedFile[]> {
  const shares = new Map<string, number>();
  const report = (name: string, share: number): void => {
    shares.set(name, share);
    progress(
      [...shares.values()].reduce((sum, part) => sum + part, 0),
      files.length,
      name,
    );
  };
  const queue = [...files];
  const results: IngestedFile[] = [];
  const work = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      signal.throwIfAborted();
      const failure = await ingestFile(
        documents,
        session,
        { path: join(folder, name), name, databaseId },
        signal,
        report,
      );
      report(name, 1);
      results.push({ name, failure });
    }
  };
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, work));
  return results.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function ingestFile(
  documents: Transport,
  session: Session,
  file: { readonly path: string; readonly name: string; readonly databaseId: string },
  signal: AbortSignal,
  report: (name: string, share: number) => void,
): Promise<string | undefined> {
  try {
    const options = { ...(await session.options()), signal };
    const document = await createClient(DocumentService, documents).uploadDocument(piecesOf(file), {
      ...options,
      timeoutMs: 600_000,
    });
    if (isSettled(document)) return document.failure?.detail;
    return await followJob(documents, session, document.jobId, signal, (share) => report(file.name, share));
  } catch (error) {
    signal.throwIfAborted();
    return ConnectError.from(error).rawMessage;
  }
}

async function* piecesOf({
  path,
  name,
  databaseId,
}: {
  readonly path: string;
  readonly name: string;
  readonly databaseId: string;
}): AsyncGenerator<MessageInitShape<typeof UploadDocumentRequestSchema>> {
  yield { databaseId, name };
  const handle = await open(path);
  for await (const content of createReadStream('', { fd: handle, highWaterMark: PIECE_BYTES })) {
    yield { content: content as Uint8Array };
  }
}

/** The same content was there already. */
function isSettled(document: Document): boolean {
  return document.state === Document_DocumentState.INGESTED;
}

/** Follows a job to its end over as many streams as it takes; a token, and so a stream, may end before a long job does. */
async function followJob(
  documents: Transport,
  session: Session,
  jobId: string,
  signal: AbortSignal,
  report: (share: number) => void,
): Promise<string | undefined> {
  const client = createClient(JobService, documents);
  for (let job: Job | undefined; ; ) {
    const options = { ...(await session.options()), signal, timeoutMs: 0 };
    for await (const { job: now } of client.watchJob({ jobId }, options)) {
      job = now ?? job;
      report((job?.percentage ?? 0) / 100);
    }
    job ??= await client.getJob({ jobId }, options);
    switch (job.status) {
      case Job_JobStatus.FINISHED:
        return undefined;
      case Job_JobStatus.FAILED:
        return job.failure?.detail || 'failed';
      case Job_JobStatus.CANCELLED:
        return 'cancelled';
    }
  }
}
