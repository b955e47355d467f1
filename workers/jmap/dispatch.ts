/**
 * Runs the calls of a Request in order (RFC 8620 §3.3–3.7): references resolved, one response or one
 * error each. No call can end the others, whatever it throws.
 */
import type { Json } from '../../shared/jmap/errors.ts';
import { MethodError, ShapeError } from '../../shared/jmap/errors.ts';
import { invalidArgument } from '../../shared/jmap/readers.ts';
import { resolveReferences } from '../../shared/jmap/references.ts';
import type { Invocation, JmapRequest } from '../../shared/jmap/request.ts';
import type { Env } from '../env.ts';
import { Busy, CondemnedOriginal, FilterTooLarge } from '../store/mail/index.ts';
import type { Account } from '../store/mail/types.ts';
import { StateMismatch } from '../store/mail/types.ts';
import type { MethodAnswer } from './context.ts';
import { JmapContext } from './context.ts';
import { METHODS } from './methods/table.ts';
import { sessionState } from './session.ts';

/** The Response object of a whole request. */
export async function runRequest(env: Env, account: Account, request: JmapRequest): Promise<Json> {
  const using = new Set(request.using);
  const context = new JmapContext(env, account, request.createdIds ?? new Map(), using);
  const responses: Invocation[] = [];
  for (const calls of turns(request.methodCalls)) {
    const answers = await Promise.all(calls.map(([name, args]) => runCall(name, args, context, using, responses)));
    for (const [index, [, , callId]] of calls.entries()) {
      for (const [name, answer] of answers[index] ?? []) responses.push([name, answer, callId]);
    }
  }
  const response: Json = { methodResponses: responses, sessionState: await sessionState(env, account) };
  if (request.createdIds) response.createdIds = Object.fromEntries(context.createdIds);
  return response;
}

/** Calls that only read the index, and little of it: running them together changes no answer. */
const READERS: ReadonlySet<string> = new Set(['Mailbox/get', 'Mailbox/query', 'Email/query', 'Identity/get', 'Quota/get']);

/** The calls in their order, one at a time, but for neighbours that read and refer to nothing: their queries travel together. */
function turns(calls: readonly Invocation[]): Invocation[][] {
  const turns: Invocation[][] = [];
  let isOpen = false;
  for (const call of calls) {
    const isReader = READERS.has(call[0]) && !Object.keys(call[1]).some((name) => name.startsWith('#'));
    if (isReader && isOpen) turns.at(-1)?.push(call);
    else turns.push([call]);
    isOpen = isReader;
  }
  return turns;
}

async function runCall(
  name: string,
  args: Json,
  context: JmapContext,
  using: ReadonlySet<string>,
  responses: readonly Invocation[],
): Promise<[string, Json][]> {
  try {
    const method = METHODS.get(name);
    if (!method || !using.has(method.capability)) throw new MethodError('unknownMethod');
    return named(name, await method.run(resolveReferences(args, responses), context));
  } catch (error) {
    return [['error', methodError(error, name, context).answer()]];
  }
}

function named(name: string, answer: MethodAnswer): [string, Json][] {
  return Array.isArray(answer) ? answer : [[name, answer]];
}

/** What a method threw, as the error the client is told. The cause stays in our log. */
function methodError(error: unknown, name: string, context: JmapContext): MethodError {
  context.wrote();
  if (error instanceof MethodError) return error;
  if (error instanceof ShapeError) return invalidArgument(error);
  if (error instanceof StateMismatch) return new MethodError('stateMismatch');
  if (error instanceof FilterTooLarge) return new MethodError('unsupportedFilter', error.message);
  if (error instanceof Busy || error instanceof CondemnedOriginal) return new MethodError('serverUnavailable', error.message);
  console.error(JSON.stringify({ event: 'jmap-method-failed', method: name, account: context.account.id, error: String(error) }));
  return new MethodError('serverFail', 'The method failed; the server has logged why.');
}
