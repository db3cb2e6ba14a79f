import { loadContracts } from '../contracts/contracts.ts';
import { buildOpenApi } from './document.ts';

/** The OpenAPI document as `docs/openapi.json` holds it. */
export function openApiText(): string {
  return `${JSON.stringify(buildOpenApi(loadContracts({ comments: true })), undefined, 2)}\n`;
}
