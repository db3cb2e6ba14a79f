import { ConfigError } from '@morag/config';

/** Where in an object store the contents lie. */
export interface S3Location {
  readonly bucket: string;
  /** Empty, or ending with a slash. */
  readonly prefix: string;
  /** Of a store that is not Amazon's. */
  readonly endpoint?: string;
  readonly region?: string;
}

const OPTIONS = ['endpoint', 'region'];

/**
 * Reads `s3://bucket/prefix?region=eu-central-1&endpoint=https://minio.example.org`. Credentials are those that the AWS
 * SDK finds: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the role of the machine.
 */
export function readS3Location(url: URL): S3Location {
  const mistake = (text: string): ConfigError => new ConfigError([`MORAG_BLOB_URL: ${text}`]);
  if (!url.hostname) throw mistake('s3:// must be followed by the name of a bucket');
  if (url.username || url.password) throw mistake('credentials belong in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  for (const option of url.searchParams.keys()) {
    if (!OPTIONS.includes(option)) throw mistake(`there is no option ${option}; there are ${OPTIONS.join(', ')}`);
  }
  const path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  const endpoint = url.searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    throw mistake('endpoint must be an http:// or https:// URL');
  }
  return {
    bucket: url.hostname,
    prefix: path && `${path}/`,
    endpoint,
    region: url.searchParams.get('region') ?? undefined,
  };
}
