import { expect, it } from '@jest/globals';
import { importsOf } from './imports.ts';

it('finds every form of import and nothing that only looks like one', () => {
  const source = `
    import { a } from 'static';
    import type { B } from 'types';
    import {
      c,
    } from "lines";
    import 'effect';
    export { d } from 're-export';
    export * from 'star';
    const e = await import('dynamic');
    const f = await import(e.name);
    // import 'comment';
    const g = "import { h } from 'text'";
  `;
  expect(importsOf('file.ts', source).sort()).toEqual(
    ['dynamic', 'effect', 'lines', 're-export', 'star', 'static', 'types'].sort(),
  );
});
