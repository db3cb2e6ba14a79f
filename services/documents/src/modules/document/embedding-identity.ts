import type { Embedder } from '@morag/embedder';
import { DomainError } from '@morag/errors';
import type { Database } from '@morag/orm';
import type { TargetDatabase } from '../../servers/servers.port.ts';
import { readEmbedding } from '../count/counter.store.ts';

/** What names a model among all others. */
type Identity = Pick<Embedder, 'provider' | 'model' | 'dimension'>;

/** A model as a text: what is kept of it, and what people are told. */
export function nameOfModel({ provider, model, dimension }: Identity): string {
  return `${provider}/${model} (${dimension} dimensions)`;
}

/**
 * Throws EMBEDDING_MISMATCH when a database asks for another model, or for vectors of another length: vectors of two models
 * never meet in one database, and a question is never compared with another model's answers.
 */
export function requireSameEmbedding(database: TargetDatabase, embedder: Identity): void {
  const wanted = {
    provider: database.provider || embedder.provider,
    model: database.model || embedder.model,
    dimension: database.dimension,
  };
  requireModel(nameOfModel(wanted), embedder);
}

/** The same for what the documents of a database were embedded by, where the database itself names no model. */
export async function requireSameModelAsBefore(db: Database, databaseId: string, embedder: Identity): Promise<void> {
  requireModel((await readEmbedding(db, databaseId)) ?? nameOfModel(embedder), embedder);
}

/** Throws EMBEDDING_MISMATCH unless the embedder is the model of this name. */
export function requireModel(wanted: string, embedder: Identity): void {
  const mine = nameOfModel(embedder);
  if (wanted === mine) return;
  throw new DomainError('EMBEDDING_MISMATCH', `The database is embedded by ${wanted}; this installation has ${mine}.`, {
    metadata: { database: wanted, embedder: mine },
  });
}
