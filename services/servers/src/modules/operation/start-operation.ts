import { DomainError } from '@morag/errors';
import { newId } from '@morag/orm';
import type { NewOperation, OperationStore } from './operation.store.ts';
import type { Operation } from './operation.ts';
import type { OperationRunner } from './operation-runner.ts';

/** See startOperation. */
export interface StartOperationDeps {
  readonly operations: Pick<OperationStore, 'insert' | 'running'>;
  readonly operationRunner: Pick<OperationRunner, 'wake'>;
}

/**
 * Starts work that outlasts the call. While the same is under way for the same database, that is the answer; something
 * else of its kind is refused: PLACEMENT_CONFLICT.
 */
export async function startOperation(
  { operations, operationRunner }: StartOperationDeps,
  wanted: Omit<NewOperation, 'id'>,
  isSame: (running: Operation) => boolean = () => false,
): Promise<Operation> {
  const started = await operations.insert({ ...wanted, id: newId() });
  if (started) {
    operationRunner.wake();
    return started;
  }
  const running = await operations.running(wanted.databaseId, wanted.kind);
  if (running && isSame(running)) return running;
  throw new DomainError('PLACEMENT_CONFLICT', 'Another operation of this kind is under way for the database.', {
    metadata: running ? { operation: `operations/${running.id}` } : {},
  });
}
