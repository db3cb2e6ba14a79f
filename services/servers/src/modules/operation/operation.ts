import type { ReasonName } from '@morag/errors';
import type { JsonObject } from '../../json.ts';

/** What a long-running operation does. */
export const OPERATION_KINDS = ['MOVE', 'VERIFY', 'FAIL_OVER', 'IMPORT'] as const;
/** See OPERATION_KINDS. */
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** Why an operation did not do what it was asked for; CANCELLED where its owner wanted it so. */
export interface OperationFailure {
  readonly reason: ReasonName;
  /** For people; no secrets. */
  readonly text: string;
}

/** Work on a database that outlasts the call that asked for it. */
export interface Operation {
  readonly id: string;
  readonly ownerId: string;
  readonly databaseId: string;
  readonly kind: OperationKind;
  /** What was asked for. */
  readonly request: JsonObject;
  /** What its work has noted for itself, so that another instance can go on. */
  readonly notes: JsonObject;
  /** For people. */
  readonly stage: string;
  /** 0 to 100, never backwards. */
  readonly percentage: number;
  readonly isDone: boolean;
  /** Of one that is done and was not successful. */
  readonly failure: OperationFailure | null;
  /** Of one that was: the answer's message in its JSON form. */
  readonly response: JsonObject | null;
}

/** What an operation has come to so far; what is left out stays as it is. */
export interface OperationProgress {
  readonly stage?: string;
  readonly percentage?: number;
  readonly notes?: JsonObject;
}

/** How the work of one kind is done; `run` is called again after the death of an instance, and goes on by its notes. */
export interface OperationWork {
  /** Answers the response in its JSON form. A DomainError is what the operation fails with. */
  run(operation: Operation, context: OperationContext): Promise<JsonObject>;
}

/** What a run works with. */
export interface OperationContext {
  /** Aborts when another instance has taken over, and when this one stops: the work is then to be left as it is. */
  readonly signal: AbortSignal;
  /** Aborts when the owner wants it cancelled; the work then undoes what it did, and throws, or finishes what it must. */
  readonly cancelled: AbortSignal;
  /** Stores progress; rejects when another instance has taken over. */
  report(progress: OperationProgress): Promise<void>;
}
