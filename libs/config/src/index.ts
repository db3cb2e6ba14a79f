export { ENV_EXAMPLE_PATH, renderEnvExample } from './env-example.ts';
export type {
  Address,
  CommonConfig,
  DatabaseConfig,
  DataService,
  Defaults,
  MasterKeyConfig,
  ServiceConfig,
} from './parts.ts';
export { ConfigError, type Environment, type Reader, readConfig } from './reader.ts';
export {
  type DocumentsConfig,
  documentsConfig,
  type EmbedderConfig,
  type GatewayConfig,
  gatewayConfig,
  type IdentityConfig,
  identityConfig,
  type ServersConfig,
  serversConfig,
} from './services.ts';
export { type UpConfig, upConfig } from './up.ts';
export { PATTERNS, VARIABLES, type ValueOf, type Variable, type VariableName } from './variables.ts';
