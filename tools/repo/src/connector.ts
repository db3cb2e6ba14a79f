import { vendorNameProblem, writeConnector } from './connector/write-connector.ts';
import { ROOT } from './projects.ts';

const NEXT = `
next:
  npm install                     links the new package
  npm run generate                writes its tsconfig.json
  npm run format                  breaks lines where they are too long for a name
  npm run conformance -- NAME     says what is to be written; libs/connectors/conformance/README.md leads through it
`;

/** `npm run connector -- NAME`: the skeleton of a connector for another vendor, which type-checks as it is. */
const [name = '', ...rest] = process.argv.slice(2);
const problem = rest.length > 0 ? 'usage: npm run connector -- NAME' : vendorNameProblem(ROOT, name);
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`);
  process.exit(2);
}
for (const path of writeConnector(ROOT, name)) process.stdout.write(`wrote ${path}\n`);
process.stdout.write(NEXT.replace('NAME', name));
