import { hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BUILT_IN_MODEL_DIR, readModelFolder } from './model-folder.ts';

describe('the built-in model', () => {
  it('is described as measured', () => {
    expect(readModelFolder(BUILT_IN_MODEL_DIR)).toMatchObject({
      name: 'bge-small-en-v1.5',
      dimension: 384,
      pooling: 'cls',
      vectorWeight: 0.6,
      languages: ['en'],
    });
  });

  it.each(['model_int8.onnx', 'tokenizer.json'])('has the %s whose digest its README states', (file) => {
    const readme = readFileSync(join(BUILT_IN_MODEL_DIR, 'README.md'), 'utf8');
    expect(readme).toContain(`${hash('sha256', readFileSync(join(BUILT_IN_MODEL_DIR, file)))}  ${file}`);
  });
});

describe('a model folder of the operator', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'model-folder-'));
    writeFileSync(join(folder, 'model.onnx'), '');
    writeFileSync(join(folder, 'tokenizer.json'), '{}');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const describeModel = (json: unknown): void => writeFileSync(join(folder, 'model.json'), JSON.stringify(json));
  const minimal = { name: 'mine', dimension: 8, pooling: 'mean' };

  it('needs three fields; the others have defaults', () => {
    describeModel(minimal);
    expect(readModelFolder(folder)).toEqual({
      ...minimal,
      modelFile: join(folder, 'model.onnx'),
      tokenizerFile: join(folder, 'tokenizer.json'),
      queryPrefix: '',
      passagePrefix: '',
      tokensMax: 512,
      vectorWeight: 0.5,
      languages: undefined,
    });
  });

  it.each([
    [{ ...minimal, dimension: 0 }, 'whose dimension is not a positive integer'],
    [{ ...minimal, name: undefined }, 'whose name is not a text'],
    [{ ...minimal, pooling: 'max' }, 'whose pooling is not "cls" or "mean"'],
    [{ ...minimal, vectorWeight: 60 }, 'whose vectorWeight is not a number from 0 to 1'],
    [{ ...minimal, languages: 'en' }, 'whose languages is not a list of texts'],
    ['text', 'that is not an object'],
  ])('is refused for %j', (json, complaint) => {
    describeModel(json);
    expect(() => readModelFolder(folder)).toThrow(complaint);
  });

  it('is refused when a file is missing', () => {
    expect(() => readModelFolder(folder)).toThrow('holds no readable model.json');
    rmSync(join(folder, 'tokenizer.json'));
    expect(() => readModelFolder(folder)).toThrow('holds no tokenizer.json');
    rmSync(join(folder, 'model.onnx'));
    expect(() => readModelFolder(folder)).toThrow('holds no model*.onnx');
    expect(() => readModelFolder(join(folder, 'absent'))).toThrow('cannot be read');
  });
});
