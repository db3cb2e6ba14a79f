import { describe, expect, it } from '@jest/globals';
import { createJsonDepth } from './json-depth.ts';

/** What it says of a text that comes in pieces of so many bytes. */
function accepts(json: string, depthMax: number, pieceBytes: number): boolean {
  const depth = createJsonDepth(depthMax);
  const bytes = Buffer.from(json);
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    if (!depth.accepts(bytes.subarray(start, start + pieceBytes))) return false;
  }
  return true;
}

describe('the depth of JSON', () => {
  it.each([
    ['[[[]]]', 3],
    ['{"a":[{"b":1}]}', 3],
    ['["[[[[[[","{{{{"]', 1],
    [String.raw`["\"[[[[","\\",[]]`, 2],
    [String.raw`["\\\"[[[[\\",["é]"]]`, 2],
    ['[[],[],[],[[]]]', 3],
  ])('of %s is %i, in pieces of any size', (json, depth) => {
    expect(JSON.parse(json)).toBeDefined();
    for (const pieceBytes of [1, 2, 3, 5, 100]) {
      expect(accepts(json, depth, pieceBytes)).toBe(true);
      expect(accepts(json, depth - 1, pieceBytes)).toBe(false);
    }
  });
});
