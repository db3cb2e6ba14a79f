import type { Embedder } from '@morag/embedder';
import { DomainError } from '@morag/errors';
import type { TargetDatabase } from '../../servers/servers.port.ts';

/**
 * Throws EMBEDDING_MISMATCH when a database's vectors are another model's, or of another length: vectors of two models
 * never meet in one database, and a question is never compared with another model's answers.
 */
export function requireSameEmbedding(database: TargetDatabase, embedder: Embedder): void {
  const mine = { provider: embedder.provider, model: embedder.model, dimension: embedder.dimension };
  const wanted = {
    provider: database.provider || mine.provider,
    model: database.model || mine.model,
    dimension: database.dimension,
  };
  if (wanted.provider === mine.provider && wanted.model === mine.model && wanted.dimension === mine.dimension) return;
  throw new DomainError(
    'EMBEDDING_MISMATCH',
    `The database is embedded by ${nameOf(wanted)}; this installation has ${nameOf(mine)}.`,
    { metadata: { database: nameOf(wanted), embedder: nameOf(mine) } },
  );
}

function nameOf({ provider, model, dimension }: { provider: string; model: string; dimension: number }): string {
  return `${provider}/${model} (${dimension} dimensions)`;
}
