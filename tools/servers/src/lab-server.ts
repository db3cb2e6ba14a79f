/** What a registration of a server needs; the last line that `start` prints. */
export interface Registration {
  readonly type: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly apiKey: string;
  readonly database: string;
  readonly config: Readonly<Record<string, unknown>>;
}

export interface StartOptions {
  readonly port: number;
  /** Made when absent. */
  readonly data: string;
}

/** A real server that can be installed from package registries and run on loopback. */
export interface LabServer {
  readonly defaultPort: number;
  readonly version: string;
  isInstalled(): boolean;
  /** Does nothing when it is installed. */
  install(): Promise<void>;
  /** Returns once the server answers; also when it ran already on this port and data. */
  start(options: StartOptions): Promise<Registration>;
  /** Orderly, and returns once it is gone; nothing when none runs. */
  stop(options: StartOptions): Promise<void>;
  /** As a crash would: at once, without a word to the server. */
  kill(options: StartOptions): Promise<void>;
}

/** A failure with a text for people; no stack is shown. */
export class LabError extends Error {
  override readonly name = 'LabError';
}
