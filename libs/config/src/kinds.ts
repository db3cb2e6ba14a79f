import ipaddr from 'ipaddr.js';

/** How the text of a variable becomes a value; `parse` answers undefined for a text that is not of this kind. */
export interface Kind<T> {
  /** What a value looks like, for people: `a whole number from 1 to 65535`. */
  readonly expects: string;
  parse(text: string): T | undefined;
}

/** Any text that is not empty. */
export const text: Kind<string> = { expects: 'a text', parse: (raw) => (raw === '' ? undefined : raw) };

/** A file or folder; relative ones are meant from the working directory. */
export const path: Kind<string> = { expects: 'a path', parse: text.parse };

/** `true` or `false`, nothing else. */
export const boolean: Kind<boolean> = {
  expects: 'true or false',
  parse: (raw) => (raw === 'true' ? true : raw === 'false' ? false : undefined),
};

/** A whole number within bounds, both included. */
export function integer(min: number, max: number): Kind<number> {
  return {
    expects: `a whole number from ${min} to ${max}`,
    parse(raw) {
      const value = /^-?\d{1,15}$/.test(raw) ? Number(raw) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** One of a closed list of words, as written. */
export function oneOf<const T extends string>(...words: readonly T[]): Kind<T> {
  return { expects: `one of ${words.join(', ')}`, parse: (raw) => words.find((word) => word === raw) };
}

/** An absolute URL of one of these schemes, kept as text. */
export function url(...schemes: readonly string[]): Kind<string> {
  return {
    expects: `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    parse(raw) {
      const scheme = /^([a-z][a-z0-9]*):\/\//.exec(raw)?.[1];
      return scheme && schemes.includes(scheme) && URL.canParse(raw) ? raw : undefined;
    },
  };
}

/** A host name or an IP address, without a port. */
export const host: Kind<string> = {
  expects: 'a host name or an IP address',
  parse: (raw) =>
    ipaddr.isValid(raw) || /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i.test(raw) ? raw : undefined,
};

/** A TCP port that can be listened on; 0 lets the system choose. */
export const port: Kind<number> = integer(0, 65_535);

/** Networks in CIDR notation, separated by commas. */
export const cidrs: Kind<readonly string[]> = list('networks such as 10.0.0.0/8, separated by commas', (item) =>
  ipaddr.isValidCIDR(item),
);

/** Web origins (`https://app.example.com`), separated by commas, or `*`. */
export const origins: Kind<readonly string[]> = list(
  'origins such as https://app.example.com, separated by commas, or *',
  (item) => item === '*' || (URL.canParse(item) && new URL(item).origin === item),
);

function list(expects: string, accepts: (item: string) => boolean): Kind<readonly string[]> {
  return {
    expects,
    parse(raw) {
      const items = raw
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
      return items.every(accepts) ? items : undefined;
    },
  };
}
