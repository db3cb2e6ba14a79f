import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuditService } from '@morag/gen/morag/identity/v1/audit_service_pb.ts';
import { notYetAvailable } from '@morag/rpc';

/** Part of the contract, not of this version. Emptied as they are built. */
export const apiKeyHandlers = notYetAvailable(ApiKeyService, [
  'createApiKey',
  'getApiKey',
  'listApiKeys',
  'updateApiKey',
  'rotateApiKey',
  'revokeApiKey',
  'listApiKeyUsage',
  'verifyApiKey',
]);

/** See apiKeyHandlers. */
export const auditHandlers = notYetAvailable(AuditService, ['listAuditEvents', 'recordAuditEvents']);
