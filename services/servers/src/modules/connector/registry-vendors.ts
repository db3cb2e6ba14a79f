import type { Egress } from '@morag/egress';
import type { Vendors } from './vendors.ts';
export function createRegistryVendors(_egress: Egress): Vendors {
  throw new Error('pending');
}
