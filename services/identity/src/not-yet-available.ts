import { AuditService } from '@morag/gen/morag/identity/v1/audit_service_pb.ts';
import { methodNames, notYetAvailable } from '@morag/rpc';

const AUDIT_METHODS = ['listAuditEvents', 'verifyAuditLog', 'recordAuditEvents'] as const;

/** Part of the contract, not of this version. Emptied as it is built. */
export const auditHandlers = notYetAvailable(AuditService, AUDIT_METHODS);

/** Full names of all of them. */
export const NOT_YET_AVAILABLE: readonly string[] = methodNames(AuditService, AUDIT_METHODS);
