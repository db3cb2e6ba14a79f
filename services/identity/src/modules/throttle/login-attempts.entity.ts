import { defineEntity, p } from '@mikro-orm/postgresql';

const LoginAttemptsSchema = defineEntity({
  name: 'LoginAttempts',
  tableName: 'login_attempts',
  properties: {
    /** Digest of what is counted: an address, an account, or both. The table tells nobody who was tried. */
    subject: p.string().length(43).primary(),
    attempts: p.integer(),
    /** When the window ends, and counting begins anew. */
    until: p.datetime(6).index('login_attempts_until'),
  },
});

/** Log-ins that did not succeed, in one window of time. */
export class LoginAttempts extends LoginAttemptsSchema.class {}
LoginAttemptsSchema.setClass(LoginAttempts);
