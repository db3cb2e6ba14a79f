export { type Followed, followFiles } from './follow-files.ts';
export { createKeyReader, newKeyText, wrappedBy } from './key-reader.ts';
export { addKey, promoteKey, type RotationStage, retireKey, rotationStage } from './key-rotation.ts';
export { deriveKey, generateMasterKey, MasterKeyError, type SecretKey } from './key-text.ts';
export { fixedKeys, KEY_WATCH_MS, type KeySource, type Keys, loadRootKey, openKeys } from './keys.ts';
export { formatMasterKeys, type KeyReader, type MasterKey, type MasterKeys, parseMasterKeys } from './master-keys.ts';
export { writeSecretFile } from './secret-file.ts';
export { type Binding, createVault, type Vault, VaultError } from './vault.ts';
