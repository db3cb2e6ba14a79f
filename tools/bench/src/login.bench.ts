import { randomUUID } from 'node:crypto';
import { type Client, createClient } from '@connectrpc/connect';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { createServiceTransport } from '@morag/rpc';
import { newInstallation } from '@morag/testing';
import { hash, verify } from '@node-rs/argon2';
import { comparePaired, quantile } from './paired.ts';
import { type Line, numberLine, ratioLine } from './report.ts';

const USERS = 20;
const BLOCK = { callers: 1, calls: 10, rounds: 7 };
/** As the service hashes. */
const ARGON2 = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const QUEUED = 200;

type Auth = Client<typeof AuthService>;

/** P5: a log-in beside one bare Argon2id verify, unknown beside known accounts, and what others feel of a flood of them. */
export async function loginBenchmark(): Promise<Line[]> {
  const installation = await newInstallation({ MORAG_PROCESSES: 'separate' });
  await installation.start();
  const transport = createServiceTransport({ baseUrl: `http://127.0.0.1:${installation.ports.identity}` });
  const auth = createClient(AuthService, transport);
  try {
    const password = randomUUID();
    const emails = Array.from({ length: USERS }, () => `${randomUUID()}@example.org`);
    for (const email of emails) await auth.register({ name: 'Somebody', email, password });
    const stored = await hash(password, ARGON2);
    let turn = 0;
    const nextEmail = (): string => emails[turn++ % USERS] ?? '';
    const login = () => signIn(auth, nextEmail(), password);
    const bare = async () => {
      if (!(await verify(stored, password))) throw new Error('the password is not the one');
    };
    const known = () => failToSignIn(auth, nextEmail());
    const unknown = () => failToSignIn(auth, `${randomUUID()}@example.org`);
    const likeness = await comparePaired(unknown, known, BLOCK);
    return [
      ratioLine('P5', 'log-in / one bare Argon2id verify, p50', await comparePaired(login, bare, BLOCK), 1.25),
      ratioLine('P5', 'unknown account / known account, p50', likeness, 1.02),
      numberLine('P5', `p99 of another RPC during ${QUEUED} log-ins / idle`, await flood(auth, login), 2),
    ];
  } finally {
    transport.close();
    await installation.remove();
  }
}

/** From another address each time: what is measured is the work, not the throttle. */
function elsewhere(): { headers: Record<string, string> } {
  const part = () => Math.floor(Math.random() * 256);
  return { headers: { 'x-forwarded-for': `10.${part()}.${part()}.${part()}` } };
}

async function signIn(auth: Auth, email: string, password: string): Promise<void> {
  const { user } = await auth.login({ email, password }, elsewhere());
  if (user?.email !== email) throw new Error('somebody else signed in');
}

async function failToSignIn(auth: Auth, email: string): Promise<void> {
  const error = await auth.login({ email, password: 'a wrong one' }, elsewhere()).catch((thrown: unknown) => thrown);
  if (!String(error).includes('wrong')) throw new Error(`the answer is ${String(error)}`);
}

async function flood(auth: Auth, login: () => Promise<void>): Promise<number> {
  const idle = await p99Of(auth, async () => {});
  const busy = await p99Of(auth, async () => {
    await Promise.all(Array.from({ length: QUEUED }, login));
  });
  return busy / idle;
}

/** Of a small RPC, called one after the other while `work` goes on, and two hundred times at least. */
async function p99Of(auth: Auth, work: () => Promise<void>): Promise<number> {
  let isOver = false;
  const done = work().finally(() => {
    isOver = true;
  });
  const times: number[] = [];
  while (!isOver || times.length < 200) {
    const begun = performance.now();
    await auth.getJwks({});
    times.push(performance.now() - begun);
  }
  await done;
  return quantile(times, 0.99);
}
