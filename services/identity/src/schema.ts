import { fileURLToPath } from 'node:url';
import { AuditEntry, OutboxEvent, type SchemaDefinition } from '@morag/orm';
import { ApiKey, ApiKeyUsage, UsageBatch } from './modules/api-key/api-key.entity.ts';
import { AuditChain, AuditEvent } from './modules/audit/audit.entity.ts';
import { RateBucket } from './modules/rate-limit/rate-bucket.entity.ts';
import { Revocation } from './modules/revocation/revocation.entity.ts';
import { Session } from './modules/session/session.entity.ts';
import { LoginAttempts } from './modules/throttle/login-attempts.entity.ts';
import { User, UserSettings } from './modules/user/user.entity.ts';

/** What the migrations follow from. */
export const schema: SchemaDefinition = {
  schema: 'identity',
  entities: [
    User,
    UserSettings,
    Session,
    Revocation,
    OutboxEvent,
    ApiKey,
    ApiKeyUsage,
    UsageBatch,
    LoginAttempts,
    RateBucket,
    AuditEntry,
    AuditEvent,
    AuditChain,
  ],
  migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)),
};
