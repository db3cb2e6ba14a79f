import {
  type Condition,
  type Database,
  equals,
  type ListRequest,
  type ListSpec,
  listPage,
  type Page,
  violatedConstraint,
} from '@morag/orm';
import type { Instance } from '../../instance.ts';
import type { JsonObject } from '../../json.ts';
import type { Scope } from '../server/server.ts';
import { OPERATION_KINDS, type Operation, type OperationFailure, type OperationProgress } from './operation.ts';

/** What a new operation is made of. */
export type NewOperation = Pick<Operation, 'id' | 'ownerId' | 'databaseId' | 'kind' | 'request'>;

/** The right to work on an operation, until somebody else takes the next epoch. */
export interface OperationLease {
  readonly operation: Operation;
  readonly epoch: number;
}

/** How an operation ended. */
export type OperationOutcome = { readonly response: JsonObject } | { readonly failure: OperationFailure };

/** Long-running operations in PostgreSQL. */
export interface OperationStore {
  /** Undefined while one of its kind is under way for its database. */
  insert(operation: NewOperation): Promise<Operation | undefined>;
  /** Keeps one that was done within the call that asked for it. */
  insertDone(operation: NewOperation, response: JsonObject): Promise<Operation>;
  /** The one of this kind that is under way for a database. */
  running(databaseId: string, kind: Operation['kind']): Promise<Operation | undefined>;
  find(id: string, scope: Scope): Promise<Operation | undefined>;
  list(request: ListRequest, scope: Scope): Promise<Page<Operation>>;
  /** One that is done already stays as it is. False when there is no such operation. */
  cancel(id: string, scope: Scope): Promise<boolean>;
  /** Hides it; work that is under way goes on. False when there is no such operation. */
  forget(id: string, scope: Scope): Promise<boolean>;
  /** Operations that nobody works on, the oldest first. */
  waiting(limit: number): Promise<readonly string[]>;
  acquire(id: string, ttlMs: number): Promise<OperationLease | undefined>;
  /** Undefined when the lease is another's by now. */
  renew(lease: OperationLease, ttlMs: number): Promise<{ readonly isCancelRequested: boolean } | undefined>;
  /** False when the lease is another's by now. */
  save(lease: OperationLease, progress: OperationProgress): Promise<boolean>;
  finish(lease: OperationLease, outcome: OperationOutcome): Promise<boolean>;
  release(lease: OperationLease): Promise<void>;
  /** Removes what nobody wants to hear of any more. */
  prune(retentionMs: number): Promise<void>;
}

const LIST: ListSpec = {
  from: 'operations',
  columns: '*',
  id: 'id',
  filter: {
    database_id: { column: 'database_id::text', kind: 'text' },
    kind: { column: 'kind', kind: OPERATION_KINDS },
    done: { column: 'is_done', kind: 'boolean' },
  },
  order: { create_time: { column: 'created_at', type: 'timestamptz' } },
  defaultOrder: 'create_time desc',
};

const KEPT: Condition = () => 'not is_forgotten';
const OWNED = `id = $1 and ($2::uuid is null or owner_id = $2) and ($3::uuid[] is null or database_id = any($3))
  and not is_forgotten`;
const TTL = (parameter: string): string => `now() + make_interval(secs => ${parameter}::double precision / 1000)`;

/** Creates the store. */
export function createOperationStore(db: Database, instance: Instance): OperationStore {
  return { ...lookups(db), ...leases(db, instance), ...results(db) };
}

function lookups(
  db: Database,
): Omit<OperationStore, keyof ReturnType<typeof leases> | keyof ReturnType<typeof results>> {
  const some = async (sql: string, params: readonly unknown[]): Promise<boolean> =>
    (await db.change(sql, params)).length > 0;

  return {
    async insert({ id, ownerId, databaseId, kind, request }) {
      try {
        const [row] = await db.change<OperationRow>(
          `insert into operations (id, created_at, updated_at, owner_id, database_id, kind, request)
           values ($1, now(), now(), $2, $3, $4, $5) returning *`,
          [id, ownerId, databaseId, kind, JSON.stringify(request)],
        );
        return row && toOperation(row);
      } catch (error) {
        if (violatedConstraint(error) === 'operations_running') return undefined;
        throw error;
      }
    },
    async insertDone({ id, ownerId, databaseId, kind, request }, response) {
      const [row] = await db.change<OperationRow>(
        `insert into operations (id, created_at, updated_at, owner_id, database_id, kind, request, response, stage,
           percentage, is_done)
         values ($1, now(), now(), $2, $3, $4, $5, $6, 'done', 100, true) returning *`,
        [id, ownerId, databaseId, kind, JSON.stringify(request), JSON.stringify(response)],
      );
      if (!row) throw new Error('an insert returned no row');
      return toOperation(row);
    },
    async running(databaseId, kind) {
      const [row] = await db.read<OperationRow>(
        'select * from operations where database_id = $1 and kind = $2 and not is_done',
        [databaseId, kind],
      );
      return row && toOperation(row);
    },
    async find(id, { ownerId, databaseIds }) {
      const params = [id, ownerId, databaseIds];
      const [row] = await db.read<OperationRow>(`select * from operations where ${OWNED}`, params);
      return row && toOperation(row);
    },
    async list(request, { ownerId, databaseIds }) {
      const conditions = ownerId ? [KEPT, equals('owner_id', ownerId)] : [KEPT];
      if (databaseIds) conditions.push((bind) => `database_id = any(${bind(databaseIds)}::uuid[])`);
      const { rows, next } = await listPage<OperationRow>(db, LIST, request, conditions);
      return { rows: rows.map(toOperation), next };
    },
    cancel: (id, { ownerId, databaseIds }) =>
      some(
        `update operations set is_cancel_requested = is_cancel_requested or not is_done where ${OWNED} returning id`,
        [id, ownerId, databaseIds],
      ),
    forget: (id, { ownerId, databaseIds }) =>
      some(`update operations set is_forgotten = true where ${OWNED} returning id`, [id, ownerId, databaseIds]),
  };
}

function leases(db: Database, instance: Instance): Pick<OperationStore, 'waiting' | 'acquire' | 'renew' | 'release'> {
  return {
    async waiting(limit) {
      const rows = await db.read<{ id: string; lease_owner: string | null; is_free: boolean }>(
        `select id, lease_owner, lease_owner is null or lease_until < now() as is_free
         from operations where not is_done order by created_at limit $1`,
        [limit],
      );
      return rows
        .filter(({ lease_owner, is_free }) => is_free || instance.isDead(lease_owner ?? ''))
        .map(({ id }) => id);
    },
    async acquire(id, ttlMs) {
      const [found] = await db.read<{ lease_owner: string | null }>(
        'select lease_owner from operations where id = $1',
        [id],
      );
      const owner = found?.lease_owner ?? null;
      const deadOwner = owner !== null && instance.isDead(owner) ? owner : null;
      const [row] = await db.write<OperationRow & { epoch: bigint }>(
        `update operations set lease_owner = $2, lease_until = ${TTL('$3')}, epoch = epoch + 1
         where id = $1 and not is_done and (lease_owner is null or lease_owner = $4 or lease_until < now())
         returning *`,
        [id, instance.id, ttlMs, deadOwner],
      );
      return row && { operation: toOperation(row), epoch: Number(row.epoch) };
    },
    async renew({ operation, epoch }, ttlMs) {
      const [row] = await db.write<{ is_cancel_requested: boolean }>(
        `update operations set lease_until = ${TTL('$3')} where id = $1 and epoch = $2 and not is_done
         returning is_cancel_requested`,
        [operation.id, epoch, ttlMs],
      );
      return row && { isCancelRequested: row.is_cancel_requested };
    },
    async release({ operation, epoch }) {
      await db.write('update operations set lease_owner = null, lease_until = null where id = $1 and epoch = $2', [
        operation.id,
        epoch,
      ]);
    },
  };
}

/** Writes that hold only under the current epoch, and what goes in the end. */
function results(db: Database): Pick<OperationStore, 'save' | 'finish' | 'prune'> {
  return {
    async save({ operation, epoch }, { stage, percentage, notes }) {
      const rows = await db.write(
        `update operations set stage = coalesce($3, stage), percentage = greatest(percentage, $4),
           notes = notes || coalesce($5::jsonb, '{}'), version = version + 1, updated_at = now()
         where id = $1 and epoch = $2 and not is_done returning id`,
        [operation.id, epoch, stage, percentage, notes && JSON.stringify(notes)],
      );
      return rows.length > 0;
    },
    async finish({ operation, epoch }, outcome) {
      const [failure, response] = 'failure' in outcome ? [outcome.failure, null] : [null, outcome.response];
      const rows = await db.write(
        `update operations set is_done = true, failure = $3, response = $4, lease_owner = null, lease_until = null,
           percentage = case when $3::jsonb is null then 100 else percentage end,
           version = version + 1, updated_at = now()
         where id = $1 and epoch = $2 and not is_done returning id`,
        [operation.id, epoch, failure && JSON.stringify(failure), response && JSON.stringify(response)],
      );
      return rows.length > 0;
    },
    async prune(retentionMs) {
      await db.write(
        `delete from operations where id in (
           select id from operations where is_done
             and (is_forgotten or updated_at < now() - make_interval(secs => $1::double precision / 1000))
           for update skip locked)`,
        [retentionMs],
      );
    },
  };
}

interface OperationRow {
  readonly id: string;
  readonly owner_id: string;
  readonly database_id: string;
  readonly kind: Operation['kind'];
  readonly request: JsonObject;
  readonly notes: JsonObject;
  readonly stage: string;
  readonly percentage: number;
  readonly is_done: boolean;
  readonly failure: OperationFailure | null;
  readonly response: JsonObject | null;
}

function toOperation(row: OperationRow): Operation {
  return {
    id: row.id,
    ownerId: row.owner_id,
    databaseId: row.database_id,
    kind: row.kind,
    request: row.request,
    notes: row.notes,
    stage: row.stage,
    percentage: row.percentage,
    isDone: row.is_done,
    failure: row.failure,
    response: row.response,
  };
}
