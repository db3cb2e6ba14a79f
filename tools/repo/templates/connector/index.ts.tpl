import type { VendorModule } from '@morag/connectors-core';
import { __Vendor__Connector } from './__vendor__.connector.ts';
import { __VENDOR___CAPABILITIES, type __Vendor__Options, __vendor__Options } from './__vendor__.options.ts';

/** __Vendor__ for the registry. */
export const __vendor__: VendorModule<__Vendor__Options> = {
  vendor: '__vendor__',
  title: '__Vendor__',
  defaultPort: 9000,
  options: __vendor__Options,
  capabilities: __VENDOR___CAPABILITIES,
  create: (settings, options, { egress }) => new __Vendor__Connector(settings, options, egress),
};
