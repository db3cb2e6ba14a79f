import { expect, it } from '@jest/globals';
import { linksOf } from './links.ts';

it('reads links and pictures to files, not to other places, itself or in code', () => {
  const page = `
See [the errors](docs/errors.md#reasons) and ![a picture](docs/architecture.svg).
[Elsewhere](https://example.org/a.md), [here](#below), \`[not](a-link.md)\`.

\`\`\`md
[neither](this.md)
\`\`\`
`;
  expect(linksOf(page)).toEqual(['docs/errors.md', 'docs/architecture.svg']);
});
