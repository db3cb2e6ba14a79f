// Runs the Chroma server inside this process, on its main thread, until it is told to end.
// Arguments: data folder, port. The bindings take over the process, which is why it is one of its own.
import { createRequire } from 'node:module';

const [folder, port] = process.argv.slice(2);
const bindings = createRequire(import.meta.url)('chromadb-js-bindings-linux-x64-gnu');
bindings.cli(['chroma', 'run', '--path', folder, '--host', '127.0.0.1', '--port', port]);
