import type { ServerSettings } from '@morag/connectors-core';

/** Schemes that mean TLS, with a certificate that is checked. */
const SECURE = new Set(['https:', 'bolt+s:', 'neo4j+s:']);

/** A server that the environment names: MORAG_CONFORMANCE_<VENDOR>_URL, with _API_KEY, _USERNAME and _PASSWORD. */
export function external(vendor: string, defaultPort: number): ServerSettings | undefined {
  const variable = (part: string) => process.env[`MORAG_CONFORMANCE_${vendor}_${part}`] || undefined;
  const text = variable('URL');
  if (!text) return undefined;
  const url = new URL(text);
  const secure = SECURE.has(url.protocol) || url.searchParams.get('sslmode') === 'require';
  return {
    host: url.hostname,
    port: url.port ? Number(url.port) : defaultPort,
    tls: secure ? 'VERIFY' : 'DISABLED',
    username: variable('USERNAME') ?? (decodeURIComponent(url.username) || undefined),
    password: variable('PASSWORD') ?? (decodeURIComponent(url.password) || undefined),
    apiKey: variable('API_KEY'),
    database: url.pathname.slice(1) || undefined,
    config: {},
  };
}
