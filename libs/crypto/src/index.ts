export { deriveKey, generateMasterKey, loadMasterKey, type MasterKey, MasterKeyError } from './master-key.ts';
export { type Binding, createVault, type Vault, VaultError, type VaultOptions } from './vault.ts';
