import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@morag/errors';
import type { Call } from '../../call.ts';
import type { Scope } from '../server/server.ts';
import type { OperationStore } from './operation.store.ts';
import type { Operation } from './operation.ts';

const NAME = /^operations\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const POLL_MS = 100;
/** Left for the answer. */
const TIME_TO_ANSWER_MS = 200;

/** The id in the name of an operation; OPERATION_NOT_FOUND for anything else, as for one that does not exist. */
export function operationIdOf(name: string): string {
  const id = NAME.exec(name)?.[1];
  if (id === undefined) throw operationNotFound(name);
  return id;
}

/** An operation that the caller may see. */
export async function getOperation(
  store: Pick<OperationStore, 'find'>,
  name: string,
  scope: Scope,
): Promise<Operation> {
  const operation = await store.find(operationIdOf(name), scope);
  if (!operation) throw operationNotFound(name);
  return operation;
}

/** Waits until an operation is done, or the time is up, and answers how it stands then. */
export async function waitForOperation(
  store: Pick<OperationStore, 'find'>,
  { name, scope, timeoutMs }: { readonly name: string; readonly scope: Scope; readonly timeoutMs: number },
  call: Call,
): Promise<Operation> {
  const endsAtMs = performance.now() + Math.min(timeoutMs, call.remainingMs() - TIME_TO_ANSWER_MS);
  for (;;) {
    const operation = await getOperation(store, name, scope);
    if (operation.isDone || performance.now() >= endsAtMs) return operation;
    await sleep(POLL_MS, undefined, { signal: call.signal });
  }
}

/** The error for an operation that does not exist, or that the caller may not know of. */
export function operationNotFound(name: string): DomainError {
  return new DomainError('OPERATION_NOT_FOUND', 'There is no such operation.', { metadata: { name } });
}
