import {
  type DescMessage,
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  type MessageShape,
  toJsonString,
} from '@bufbuild/protobuf';
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { reasonOf } from '@morag/errors';
import { ErrorInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { CONTRACTS } from './contracts.ts';

/** What a call came to. */
export interface Outcome {
  /** `OK`, or the code of the error. */
  readonly code: string;
  readonly reason: string;
  /** The error's text, or the first message of the answer as JSON. */
  readonly text: string;
  readonly metadata: Readonly<Record<string, string>>;
}

type Message = MessageShape<DescMessage>;

/** Long enough for everything that these tests call, on a machine that is busy. */
const TIMEOUT_MS = 20_000;

/** Calls any method by its descriptor; of a stream the first message counts, and the rest is not waited for. */
export async function callRpc(
  transport: Transport,
  method: DescMethod,
  message: Message,
  credential?: string,
): Promise<Outcome> {
  const headers: Record<string, string> = credential === undefined ? {} : { authorization: `Bearer ${credential}` };
  const leave = new AbortController();
  try {
    const answer = await firstAnswer(transport, method, message, { headers, signal: leave.signal });
    const text = answer ? toJsonString(method.output, answer, { registry: CONTRACTS }) : '';
    return { code: 'OK', reason: '', text, metadata: {} };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const [info] = error.findDetails(ErrorInfoSchema);
    const reason = reasonOf(error) ?? '';
    return { code: Code[error.code], reason, text: error.rawMessage, metadata: info?.metadata ?? {} };
  } finally {
    leave.abort();
  }
}

async function firstAnswer(
  transport: Transport,
  method: DescMethod,
  message: Message,
  { headers, signal }: { headers: Record<string, string>; signal: AbortSignal },
): Promise<Message | undefined> {
  if (isUnary(method)) {
    return (await transport.unary(method, signal, TIMEOUT_MS, headers, message)).message;
  }
  const only = (async function* () {
    yield message;
  })();
  // Not by a deadline of the call: of a stream that is left, the library forgets to clear its timer.
  const bound = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const answers = await transport.stream(method as DescMethodStreaming, bound, undefined, headers, only);
  for await (const answer of answers.message) return answer;
  return undefined;
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === 'unary';
}
