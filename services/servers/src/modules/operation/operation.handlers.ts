import { durationMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal } from '@morag/auth';
import { Operations } from '@morag/gen/google/longrunning/operations_pb.ts';
import type { PageTokens } from '@morag/rpc';
import { callOf } from '../../handler-call.ts';
import { readPage } from '../../page-reader.ts';
import { toOperationMessage } from './operation.mapper.ts';
import type { OperationStore } from './operation.store.ts';
import { getOperation, operationIdOf, operationNotFound, waitForOperation } from './watch-operation.ts';

/** What the handlers of Operations work with. */
export interface OperationHandlersDeps {
  readonly operations: OperationStore;
  readonly pageTokens: PageTokens;
}

/** Of a wait that names no bound. */
const WAIT_MS_DEFAULT = 600_000;

/** Handlers of google.longrunning.Operations: each caller's own, as with everything else. */
export function operationHandlers({ operations, pageTokens }: OperationHandlersDeps): ServiceImpl<typeof Operations> {
  return {
    async listOperations(request, context) {
      const principal = requirePrincipal(context);
      const page = await readPage(pageTokens, principal, Operations.method.listOperations, request, (list) =>
        operations.list(list, ownerScope(principal)),
      );
      return { operations: page.rows.map(toOperationMessage), nextPageToken: page.nextPageToken };
    },
    async getOperation({ name }, context) {
      return toOperationMessage(await getOperation(operations, name, ownerScope(requirePrincipal(context))));
    },
    async waitOperation({ name, timeout }, context) {
      const timeoutMs = timeout ? durationMs(timeout) : WAIT_MS_DEFAULT;
      const input = { name, timeoutMs, scope: ownerScope(requirePrincipal(context)) };
      return toOperationMessage(await waitForOperation(operations, input, callOf(context)));
    },
    async cancelOperation({ name }, context) {
      const isKnown = await operations.cancel(operationIdOf(name), ownerScope(requirePrincipal(context)));
      if (!isKnown) throw operationNotFound(name);
      return {};
    },
    async deleteOperation({ name }, context) {
      const isKnown = await operations.forget(operationIdOf(name), ownerScope(requirePrincipal(context)));
      if (!isKnown) throw operationNotFound(name);
      return {};
    },
  };
}
