import { expect, it } from '@jest/globals';
import { dropUnlockedOptionals, type LockFile } from './fixlock.ts';

it('drops optional dependencies that no enclosing node_modules holds, and only those', () => {
  const lock: LockFile = {
    packages: {
      '': {},
      'node_modules/tool': { optionalDependencies: { 'tool-linux': '1.0.0', 'tool-darwin': '1.0.0' } },
      'node_modules/tool-linux': {},
      'node_modules/a/node_modules/b': {
        optionalDependencies: { near: '1.0.0', 'tool-linux': '1.0.0', gone: '1.0.0' },
      },
      'node_modules/a/node_modules/near': {},
    },
  };
  expect(dropUnlockedOptionals(lock)).toEqual([
    'node_modules/tool -> tool-darwin',
    'node_modules/a/node_modules/b -> gone',
  ]);
  expect(lock.packages['node_modules/tool']?.optionalDependencies).toEqual({ 'tool-linux': '1.0.0' });
  expect(dropUnlockedOptionals(lock)).toEqual([]);
});
