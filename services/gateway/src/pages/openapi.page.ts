import { loadContracts } from '../contracts/contracts.ts';
import { type Page, page } from '../http/page.ts';
import { buildOpenApi } from '../openapi/document.ts';

/** `/openapi.json`: made when it is first asked for, from the contracts with their comments. */
export function openapiPage(): Page {
  let json: string | undefined;
  return page('/openapi.json', (_request, reply) => {
    json ??= JSON.stringify(buildOpenApi(loadContracts({ comments: true })));
    return reply.header('content-type', 'application/json').send(json);
  });
}
