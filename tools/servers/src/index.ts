export { type AwsStandIn, startAwsStandIn } from './aws-stand-in.ts';
