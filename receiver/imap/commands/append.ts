/**
 * APPEND (RFC 9051 §6.3.12), several messages at once (RFC 3502), literal8 (RFC 3516), `UTF8 (~{n})` (RFC 6855 §4), APPENDUID
 * (RFC 4315 §3). Large literals lie in temporary files already; the session reads them from there.
 */
import { COMMIT_OPERATIONS_MAX } from '../../../shared/protocol.ts';
import { isOff, requireOn } from '../capabilities.ts';
import { type Client, type Command, type Completion, LOGGED_IN, sessionOf } from '../client.ts';
import { checkFlags } from '../flagsets.ts';
import { readMailboxName } from '../names.ts';
import { type AppendMessage, Refusal } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { parseDateTime } from '../wire/dates.ts';
import type { Literal } from '../wire/decoder.ts';
import { formatOrdered } from '../wire/sets.ts';

/** Messages of one APPEND: all or none are stored (RFC 3502 §6.3.11), so one commit has to carry them. */
const MESSAGES_MAX = COMMIT_OPERATIONS_MAX;

export const append: Command = {
  name: 'APPEND',
  states: LOGGED_IN,
  async run(client, args): Promise<Completion> {
    args.space();
    const target = readMailboxName(args, client);
    const messages: AppendMessage[] = [];
    do {
      args.space();
      if (messages.length === 1) requireOn(client, 'MULTIAPPEND');
      if (messages.length === MESSAGES_MAX) throw new Refusal('LIMIT', `At most ${MESSAGES_MAX} messages in one APPEND`);
      messages.push(readMessage(args, client));
    } while (!args.atEnd());
    const session = sessionOf(client);
    if (!session.find(target)) throw new Refusal('TRYCREATE', 'No such mailbox');
    const { uidvalidity, uids } = await session.append(target, messages);
    client.notifier?.ownMessages(target, uids);
    const told: Pick<Completion, 'code'> = isOff(client, 'UIDPLUS') ? {} : { code: `APPENDUID ${uidvalidity} ${formatOrdered(uids)}` };
    return { text: 'APPEND completed', ...told };
  },
};

/** Flags, date and literal of one message, as APPEND and REPLACE take them (RFC 4466 §2.1, `append-message`). */
export function readMessage(args: Arguments, client: Client): AppendMessage {
  const flags = args.peek() === '(' ? readFlags(args) : [];
  const internalDate = args.peek() === '"' ? readDate(args) : undefined;
  const literal = readLiteral(args, client);
  if (literal.size > client.messageSizeLimit) throw new Refusal('TOOBIG', 'Message too large');
  if (literal.size === 0) throw new Refusal('CANNOT', 'The message is empty');
  return { flags: checkFlags(flags), internalDate, body: bodyOf(literal) };
}

function readFlags(args: Arguments): string[] {
  const flags = args.list(() => args.flag());
  args.space();
  return flags;
}

function readDate(args: Arguments): number {
  const date = parseDateTime(args.string());
  if (date === null) throw new Malformed('Invalid date-time');
  args.space();
  return date;
}

/**
 * RFC 6855 §4 would have every message with 8-bit header fields refused from a client that did not enable UTF8=ACCEPT.
 * Real mail has them, and programs that move mail here enable nothing: what is stored elsewhere is stored here too. Only
 * the extension's own form needs ENABLE.
 */
function readLiteral(args: Arguments, client: Client): Literal {
  if (!args.skipText('UTF8 (')) return args.literal();
  const literal = args.literal();
  args.char(')');
  if (!client.utf8) throw new Refusal('CANNOT', 'UTF8 literals need ENABLE UTF8=ACCEPT');
  return literal;
}

function bodyOf(literal: Literal): AppendMessage['body'] {
  if (literal.bytes) return literal.bytes;
  if (literal.path) return { path: literal.path, size: literal.size };
  throw new Error('a literal was neither kept nor spooled');
}
