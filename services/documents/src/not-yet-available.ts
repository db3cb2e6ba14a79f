import { WorkerService } from '@morag/gen/morag/documents/v1/worker_service_pb.ts';
import { methodNames, notYetAvailable } from '@morag/rpc';

const WORKER_METHODS = ['leaseJob', 'heartbeatJob', 'completeJob', 'failJob'] as const;

/** Part of the contract, not of this version. Emptied as they are built. */
export const workerHandlers = notYetAvailable(WorkerService, WORKER_METHODS);

/** Full names of all of them. */
export const NOT_YET_AVAILABLE: readonly string[] = methodNames(WorkerService, WORKER_METHODS);
