{
  "name": "@morag/connectors-__vendor__",
  "version": "0.0.0",
  "private": true,
  "type": "module",
  "exports": {
    ".": "./src/index.ts",
    "./*": "./src/*"
  },
  "scripts": {
    "test": "node --experimental-vm-modules --disable-warning=ExperimentalWarning ../../../node_modules/jest/bin/jest.js --config ../../../jest.config.mjs --rootDir . --passWithNoTests"
  },
  "dependencies": {
    "@morag/connectors-core": "0.0.0",
    "@morag/egress": "0.0.0",
    "zod": "__zod__"
  },
  "nx": {
    "tags": [
      "type:connector"
    ]
  }
}
