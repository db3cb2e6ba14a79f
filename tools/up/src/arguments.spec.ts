import { expect, it } from '@jest/globals';
import { readArguments, UsageError } from './arguments.ts';

it('takes a folder, or none', () => {
  expect(readArguments([])).toEqual({ folder: undefined, help: false });
  expect(readArguments([import.meta.dirname])).toEqual({ folder: import.meta.dirname, help: false });
});

it.each([[['/no/such/folder']], [['a', 'b']], [['--wrong']]])('refuses %j', (argv) => {
  expect(() => readArguments(argv)).toThrow(UsageError);
});
