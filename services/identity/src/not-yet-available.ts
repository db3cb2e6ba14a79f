import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuditService } from '@morag/gen/morag/identity/v1/audit_service_pb.ts';
import { methodNames, notYetAvailable } from '@morag/rpc';

const API_KEY_METHODS = [
  'createApiKey',
  'getApiKey',
  'listApiKeys',
  'updateApiKey',
  'rotateApiKey',
  'revokeApiKey',
  'listApiKeyUsage',
  'verifyApiKey',
  'recordApiKeyUsage',
] as const;
const AUDIT_METHODS = ['listAuditEvents', 'recordAuditEvents'] as const;

/** Part of the contract, not of this version. Emptied as they are built. */
export const apiKeyHandlers = notYetAvailable(ApiKeyService, API_KEY_METHODS);

/** See apiKeyHandlers. */
export const auditHandlers = notYetAvailable(AuditService, AUDIT_METHODS);

/** Full names of all of them. */
export const NOT_YET_AVAILABLE: readonly string[] = [
  ...methodNames(ApiKeyService, API_KEY_METHODS),
  ...methodNames(AuditService, AUDIT_METHODS),
];
