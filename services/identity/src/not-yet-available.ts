/** Full names of methods that are part of the contract and not of this version: none. */
export const NOT_YET_AVAILABLE: readonly string[] = [];
