/**
 * COPY and MOVE (RFC 9051 §6.4.7, §6.4.8) with COPYUID (RFC 4315 §3). Either every message goes or none; a missing target
 * answers TRYCREATE. MOVE tells COPYUID before the EXPUNGEs (RFC 6851 §4.3).
 */
import { isOff } from '../capabilities.ts';
import { type Call, type Client, type Command, type Completion, SELECTED, selectionOf } from '../client.ts';
import { readMailboxName } from '../names.ts';
import { tellRemovals } from '../removals.ts';
import { type CopyResult, Refusal } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { coded, type ResponseCode } from '../wire/codes.ts';
import { formatOrdered } from '../wire/sets.ts';

export const copy: Command = {
  name: 'COPY',
  states: SELECTED,
  uid: 'also',
  async run(client, args, call): Promise<Completion> {
    const { uids, target } = readArguments(client, args, call);
    if (uids.length === 0) return { text: 'No messages to copy' };
    const result = await selectionOf(client).box.copy(uids, target);
    tellNotifier(client, target, result);
    if (result.pairs.length === 0) return { text: 'No messages to copy' };
    return { text: 'COPY completed', ...(isOff(client, 'UIDPLUS') ? {} : { code: copyUid(result) }) };
  },
};

export const move: Command = {
  name: 'MOVE',
  states: SELECTED,
  uid: 'also',
  async run(client, args, call): Promise<Completion> {
    const { uids, target } = readArguments(client, args, call);
    const selection = selectionOf(client);
    const { box } = selection;
    if (box.readOnly) throw new Refusal('READ-ONLY', 'The mailbox is open for reading only');
    if (uids.length === 0) return { text: 'No messages to move' };
    const result = await box.move(uids, target);
    tellNotifier(client, target, result);
    if (result.pairs.length > 0 && !isOff(client, 'UIDPLUS')) client.output.line(`* OK ${coded(copyUid(result), 'Moved UIDs')}`);
    return { text: 'MOVE completed', ...tellRemovals(client, selection, call) };
  },
};

function readArguments(client: Client, args: Arguments, call: Call): { uids: number[]; target: string } {
  args.space();
  const uids = selectionOf(client).resolve(args.set(), call.uid);
  args.space();
  const target = readMailboxName(args, client);
  args.end();
  if (uids === null) throw new Malformed('There is no such message');
  if (!client.session?.find(target)) throw new Refusal('TRYCREATE', 'No such mailbox');
  return { uids, target };
}

function tellNotifier(client: Client, target: string, { pairs }: CopyResult): void {
  client.notifier?.ownMessages(
    target,
    pairs.map(([, to]) => to),
  );
}

/** `COPYUID validity source target`, pairwise. */
function copyUid({ uidvalidity, pairs }: CopyResult): ResponseCode {
  const source = formatOrdered(pairs.map(([from]) => from));
  const target = formatOrdered(pairs.map(([, to]) => to));
  return `COPYUID ${uidvalidity} ${source} ${target}`;
}
