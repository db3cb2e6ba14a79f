export { createConnector, type ServerConfig } from './create-connector.ts';
export { describeTypes, type TypeDescription } from './describe-types.ts';
export {
  type ConnectedServer,
  type ConnectionTest,
  type Phase,
  type TestOptions,
  testConnection,
} from './test-connection.ts';
export { type ConfigViolation, validateConfig } from './validate-config.ts';
export { SERVER_TYPES, type ServerType, TypeNotAvailable } from './vendors.ts';
