import { type Page, page } from '../http/page.ts';

const LINKS = {
  name: 'MoRAG',
  description: 'Control plane and data plane for vector databases',
  apiVersion: 'v1',
  links: { api: '/v1', openapi: '/openapi.json', docs: '/docs', live: '/livez', ready: '/readyz', metrics: '/metrics' },
};

/** `/`: what this is and where to go on. */
export function indexPage(): Page {
  return page('/', () => LINKS);
}
