import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Before anything else is loaded, hence no static import: what Node.js makes of the sources is kept from start to start,
// which saves about a third of the time to load them. Where the folder cannot be written, nothing is kept.
const { directory } = enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/morag', import.meta.url)));
// For the processes that this one starts.
if (directory) process.env.NODE_COMPILE_CACHE ??= directory;

await import('./run.ts');
