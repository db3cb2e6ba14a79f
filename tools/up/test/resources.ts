import type { MessageInitShape } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createEmbedder } from '@morag/embedder';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { JobService } from '@morag/gen/morag/documents/v1/job_service_pb.ts';
import type { ApiKeySchema } from '@morag/gen/morag/identity/v1/api_key_pb.ts';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { Server_DatabaseType } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { WebhookService } from '@morag/gen/morag/servers/v1/webhook_service_pb.ts';
import type { AllServices, Person } from './all-services.ts';
import type { Ids } from './valid-request.ts';

/** A Chroma server of a person's, tested and active; behind a proxy where another port is named. */
export async function newServer(
  { transports, chroma: { host, port: itsPort } }: AllServices,
  { as }: Person,
  port = itsPort,
): Promise<string> {
  const servers = createClient(ServerService, transports.servers);
  const server = { name: crypto.randomUUID(), type: Server_DatabaseType.CHROMA, host, port };
  const { id } = await servers.createServer({ server }, as);
  const test = await servers.testConnection({ serverId: id }, as);
  if (!test.success) throw new Error(`the server does not pass its test: ${test.message}`);
  return id;
}

/** A database on it; of the embedder's dimension, so that documents go in, unless told otherwise. */
export async function newDatabase(
  { transports }: AllServices,
  { as }: Person,
  { serverId, dimension }: { serverId: string; dimension?: number },
): Promise<string> {
  const databases = createClient(DatabaseService, transports.servers);
  const database = { name: crypto.randomUUID(), serverId, dimension: dimension ?? (await embedderDimension()) };
  return (await databases.createDatabase({ database }, as)).id;
}

async function embedderDimension(): Promise<number> {
  const embedder = createEmbedder({ provider: 'local', modelDir: undefined });
  const { dimension } = embedder;
  await embedder.close();
  return dimension;
}

/** An API key of a person's. */
export async function newKey(
  { transports }: AllServices,
  { as }: Person,
  spec: MessageInitShape<typeof ApiKeySchema> = {},
): Promise<{ readonly id: string; readonly key: string }> {
  const keys = createClient(ApiKeyService, transports.identity);
  const { apiKey, secret } = await keys.createApiKey({ apiKey: { name: crypto.randomUUID(), ...spec } }, as);
  return { id: apiKey?.id ?? '', key: secret };
}

/** One of everything that a person can own, by the names of the fields in which requests say which is meant. */
export async function newResources(all: AllServices, person: Person): Promise<Ids> {
  const { transports } = all;
  const { as, userId } = person;
  const serverId = await newServer(all, person);
  const databaseId = await newDatabase(all, person, { serverId });
  const databases = createClient(DatabaseService, transports.servers);
  const { placements } = await databases.listPlacements({ databaseId }, as);
  const operation = await databases.verifyPlacements({ databaseId }, as);
  const uploads = (async function* () {
    yield { databaseId, name: 'text.md', content: Buffer.from('# A text\n\nWith a sentence.\n') };
  })();
  const document = await createClient(DocumentService, transports.documents).uploadDocument(uploads, as);
  const { jobs } = await createClient(JobService, transports.documents).listJobs({}, as);
  const { sessions } = await createClient(AuthService, transports.identity).listSessions({}, as);
  const { webhook } = await createClient(WebhookService, transports.servers).createWebhook(
    { webhook: { url: 'http://127.0.0.1:9/hook' } },
    as,
  );
  return {
    user_id: userId,
    session_id: sessions[0]?.id ?? '',
    server_id: serverId,
    database_id: databaseId,
    default_database_id: databaseId,
    placement_id: placements[0]?.id ?? '',
    document_id: document.id,
    job_id: jobs[0]?.id ?? '',
    api_key_id: (await newKey(all, person)).id,
    webhook_id: webhook?.id ?? '',
    operation: operation.name,
  };
}
