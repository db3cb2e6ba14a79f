import { WorkerService } from '@morag/gen/morag/documents/v1/worker_service_pb.ts';
import { notYetAvailable } from '@morag/rpc';

/** Part of the contract, not of this version. Emptied as they are built. */
export const workerHandlers = notYetAvailable(WorkerService, ['leaseJob', 'heartbeatJob', 'completeJob', 'failJob']);
