import { readFileSync } from 'node:fs';
import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from '@jest/globals';
import { Reason } from '@morag/gen/morag/errors/v1/reason_pb.ts';
import { httpStatus, titleOf } from './codes.ts';
import { toConnectError } from './connect-error.ts';
import { errorsDocument, reasonComments } from './docs.ts';
import { DomainError } from './domain-error.ts';
import { httpStatusOf, toProblem } from './problem.ts';
import { isReasonName, REASONS, type ReasonEntry, type ReasonName } from './reasons.ts';

const names = Object.keys(Reason).filter((name) => name !== 'REASON_UNSPECIFIED') as ReasonName[];
const comments = reasonComments();
const codes = Object.values(Code).filter((code) => typeof code === 'number');

describe('every reason', () => {
  it('has an entry, and no entry is without a reason', () => {
    expect(Object.keys(REASONS).sort()).toEqual([...names].sort());
  });

  it.each(names)('%s has a comment, a code and an HTTP error status', (name) => {
    const entry: ReasonEntry = REASONS[name];
    expect(comments.get(name)).toMatch(/^[`A-Z].+\.$/);
    expect(codes).toContain(entry.code);
    expect(httpStatusOf(toConnectError(new DomainError(name, 'text')))).toBe(entry.http ?? httpStatus(entry.code));
  });

  it.each(names)('%s keeps its name on the way to a problem', (name) => {
    const problem = toProblem(toConnectError(new DomainError(name, 'Public text.')), 'r-1');
    expect(problem).toMatchObject({ type: `urn:morag:error:${name}`, detail: 'Public text.', requestId: 'r-1' });
  });

  it('has its own HTTP status only where that differs from its code', () => {
    const entries: [string, ReasonEntry][] = Object.entries(REASONS);
    expect(entries.filter(([, { code, http }]) => http === httpStatus(code))).toEqual([]);
  });
});

describe('every code', () => {
  it('is known', () => {
    expect(codes).toHaveLength(16);
  });

  it.each(codes)('%s has an HTTP status and a title', (code) => {
    expect(httpStatus(code)).toBeGreaterThanOrEqual(400);
    expect(titleOf(code)).toMatch(/^[A-Z]/);
  });

  it.each(codes)('%s without a reason leaves with one', (code) => {
    const error = toConnectError(new ConnectError('text', code));
    expect(toProblem(error, '').type).toMatch(/^urn:morag:error:[A-Z_]+$/);
  });
});

describe('docs/errors.md', () => {
  it('is what the generator writes', () => {
    const path = new URL('../../../docs/errors.md', import.meta.url);
    expect(readFileSync(path, 'utf8')).toBe(errorsDocument());
  });
});

describe('isReasonName', () => {
  it('does not take what every object has for a reason', () => {
    expect(isReasonName('constructor')).toBe(false);
    expect(isReasonName('REASON_UNSPECIFIED')).toBe(false);
    expect(isReasonName('INTERNAL')).toBe(true);
  });
});
