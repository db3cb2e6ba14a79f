import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DomainError } from '@morag/errors';
import type { FastifyReply } from 'fastify';
import { type Page, page } from '../http/page.ts';

const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>MoRAG API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: 'none',
  persistAuthorization: false,
  validatorUrl: null,
});
`;

/** The files of swagger-ui-dist that the page needs, by their type. Nothing comes from elsewhere. */
const ASSETS: ReadonlyMap<string, string> = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['favicon-32x32.png', 'image/png'],
]);

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `/docs`: the contract to read and try, without a network. */
export function docsPages(): Page[] {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const html = (_request: unknown, reply: FastifyReply) => send(reply, 'text/html; charset=utf-8', HTML);
  return [
    page('/docs', html),
    page('/docs/start.js', (_request, reply) => send(reply, 'text/javascript; charset=utf-8', START)),
    page('/docs/{file}', (_request, reply, [name = '']) => {
      const type = ASSETS.get(name);
      if (type === undefined) throw new DomainError('ROUTE_NOT_FOUND', 'There is nothing at this path.');
      return send(reply, type, createReadStream(join(folder, name)));
    }),
  ];
}

function send(reply: FastifyReply, type: string, body: unknown): FastifyReply {
  return reply.header('content-type', type).header('content-security-policy', POLICY).send(body);
}
