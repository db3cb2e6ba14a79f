export { type AwsStandIn, startAwsStandIn } from './aws-stand-in.ts';
export { STARTABLE, VENDORS } from './vendors.ts';
