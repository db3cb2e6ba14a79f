export { BACKENDS, type Backend } from './contracts/contracts.ts';
export { buildGateway, type Gateway, type GatewayOptions, type GatewayParts } from './gateway.ts';
export { openApiText } from './openapi/text.ts';
