import type { DescMessage, DescMethod, Message } from '@bufbuild/protobuf';
import type { Interceptor, StreamRequest, UnaryRequest } from '@connectrpc/connect';
import { principalKey } from '@morag/auth';
import { DomainError } from '@morag/errors';
import type { AuditEnd, AuditJournal, AuditRecord, OpenRecord } from '../audit/audit-journal.ts';
import { type AuditNote, auditNoteKey } from '../audit/audit-note.ts';
import { describeAnswer, targetOf } from '../audit/describe-change.ts';
import { peerAddressKey, requestIdKey } from '../call-context.ts';
import { methodName } from '../method-name.ts';
import type { AccessRule, AccessRules } from '../server/access-rules.ts';
import { uuidv7 } from '../uuid.ts';
import { observed } from './stream.ts';

type Request = UnaryRequest | StreamRequest;

/** Writes down who was refused what for want of a permission. Stands outside of the interceptor that refuses. */
export function auditDenials(journal: AuditJournal): Interceptor {
  return (next) => async (req) => {
    try {
      return await next(req);
    } catch (error) {
      // A change that its handler refused is on record already.
      const isRecorded = req.contextValues.get(auditNoteKey) !== undefined;
      if (!isRecorded && error instanceof DomainError && error.reason === 'PERMISSION_DENIED') {
        await journal.refused({ ...newRecord(req), outcome: 'DENIED' });
      }
      throw error;
    }
  };
}

/**
 * Writes down each change. The record comes first and in a commit of its own, since not all that a change does is done in
 * our database: a change whose record cannot be written is not made (F26). That it was made is written by the transaction
 * that makes it; how it ended, and what it answered, afterwards.
 */
export function auditMutations(journal: AuditJournal, rules: AccessRules): Interceptor {
  return (next) => async (req) => {
    if (!isMutation(req.method, rules(req.method))) return next(req);
    const record = newRecord(req);
    const note: AuditNote = {};
    req.contextValues.set(auditNoteKey, note);
    const known = (): Partial<AuditRecord> => ({
      ownerId: note.ownerId || record.ownerId,
      before: note.before ?? null,
    });
    const open = await journal.begin(record, known);
    const end = (outcome: AuditEnd['outcome'], told: Partial<AuditEnd> = {}): void =>
      open.end({
        ownerId: note.ownerId || told.ownerId || record.ownerId,
        target: record.target || told.target || '',
        outcome,
        before: note.before ?? null,
        after: outcome === 'SUCCEEDED' ? (told.after ?? null) : null,
      });
    const failed = (error: unknown): void => {
      end(error instanceof DomainError && error.reason === 'PERMISSION_DENIED' ? 'DENIED' : 'FAILED');
    };
    try {
      const res = await open.run(() => next(req));
      if (!res.stream) {
        end('SUCCEEDED', tell(res.method.output, res.message));
        return res;
      }
      let answer: Message | undefined;
      const noted = tapped(within(open, res.message), (message) => {
        answer = message;
      });
      const over = (error?: unknown): void => {
        if (error) failed(error);
        else end('SUCCEEDED', answer && tell(res.method.output, answer));
      };
      return { ...res, message: observed(noted, over) };
    } catch (error) {
      failed(error);
      throw error;
    }
  };
}

/** An answer that cannot be told is no reason to fail what is done. */
function tell(schema: DescMessage, answer: Message): Partial<AuditEnd> {
  try {
    return describeAnswer(schema, answer);
  } catch {
    return {};
  }
}

/** A stream's handler runs while its answers are read: each step of that is a part of the change too. */
function within<T>(open: OpenRecord, messages: AsyncIterable<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const source = open.run(() => messages[Symbol.asyncIterator]());
      return {
        next: () => open.run(() => source.next()),
        return: async () => (await open.run(() => source.return?.())) ?? { done: true, value: undefined },
      };
    },
  };
}

async function* tapped<T>(messages: AsyncIterable<T>, note: (message: T) => void): AsyncGenerator<T> {
  for await (const message of messages) {
    note(message);
    yield message;
  }
}

function newRecord(req: Request): AuditRecord {
  const principal = req.contextValues.get(principalKey);
  return {
    id: uuidv7(),
    ownerId: principal?.userId ?? '',
    userId: principal?.userId ?? '',
    apiKeyId: principal?.keyId ?? '',
    sessionId: principal?.sessionId ?? '',
    service: principal?.service ?? '',
    action: methodName(req.method),
    // `me` is whoever called, which the record is to say by itself.
    target: req.stream
      ? ''
      : targetOf(req.method.input, req.message).replace(/^users\/me$/, `users/${principal?.userId}`),
    outcome: 'UNFINISHED',
    requestId: req.contextValues.get(requestIdKey),
    address: req.contextValues.get(peerAddressKey),
    before: null,
    after: null,
    at: new Date().toISOString(),
  };
}

const READS = /^(Get|List|Watch)/;
/** Writes of records are data, thousands a second; the log of mutations holds each, and a key's usage counts them. */
const UNRECORDED = /:(read|search)$|^records:write$/;

/** By the contract: what a permission to write is for, and what people do to their own account and sessions. */
function isMutation({ name }: DescMethod, rule: AccessRule): boolean {
  switch (rule.case) {
    case 'permission':
      return !UNRECORDED.test(rule.value);
    case 'authenticated':
      return !READS.test(name);
    case 'public':
      return SIGNING_IN.has(name);
    // What services do among themselves follows from a change that is on record.
    default:
      return false;
  }
}

const SIGNING_IN: ReadonlySet<string> = new Set(['Register', 'Login', 'Refresh']);
