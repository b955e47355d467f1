/**
 * SEARCH (RFC 9051 §6.4.4), ESEARCH (RFC 4731) and `$` (RFC 5182). IMAP4rev1 clients without RETURN get the old `* SEARCH`
 * line; after ENABLE IMAP4rev2, or with RETURN, the answer is an ESEARCH. Charsets: US-ASCII and UTF-8.
 */
import { type Client, type Command, type Completion, SELECTED, selectionOf } from '../client.ts';
import { readKeys } from '../search/keys.ts';
import { search as run } from '../search/run.ts';
import type { Selection } from '../selection.ts';
import { Refusal } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { string } from '../wire/encoder.ts';
import { formatSet } from '../wire/sets.ts';

const CHARSETS = new Set(['US-ASCII', 'UTF-8']);
const OPTIONS = new Set(['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE']);

export const search: Command = {
  name: 'SEARCH',
  states: SELECTED,
  uid: 'also',
  async run(client, args, call): Promise<Completion> {
    const selection = selectionOf(client);
    const options = readOptions(args);
    args.space();
    try {
      readCharset(args, client);
      const key = readKeys(args, selection, Date.now());
      const found = await run(client, selection, key);
      if (options?.has('SAVE')) selection.saved = savedResult(found, options);
      answer(client, selection, found, options, call);
      return { text: 'SEARCH completed', expunge: call.uid };
    } catch (error) {
      // RFC 5182 §2.1: a SEARCH that fails with NO leaves `$` empty.
      if (error instanceof Refusal && options?.has('SAVE')) selection.saved = [];
      throw error;
    }
  },
};

/** Null without RETURN; `RETURN ()` means ALL. */
function readOptions(args: Arguments): Set<string> | null {
  if (!args.skipText(' RETURN (')) return null;
  const options = new Set<string>();
  while (!args.skip(')')) {
    if (options.size > 0) args.space();
    const option = args.word('a RETURN option');
    if (!OPTIONS.has(option) || options.has(option)) throw new Malformed('Unknown RETURN option');
    options.add(option);
  }
  return options.size === 0 ? new Set(['ALL']) : options;
}

function readCharset(args: Arguments, client: Client): void {
  if (!args.skipText('CHARSET ')) return;
  // RFC 6855 §3: the strings are UTF-8 already.
  if (client.enabled.has('UTF8=ACCEPT')) throw new Malformed('CHARSET is not allowed after ENABLE UTF8=ACCEPT');
  const charset = args.astring().toUpperCase();
  if (!CHARSETS.has(charset)) throw new Refusal('BADCHARSET (US-ASCII UTF-8)', 'This charset is not supported');
  args.space();
}

/** RFC 5182 §2.4: with MIN or MAX and without ALL and COUNT only those are saved. */
function savedResult(found: number[], options: Set<string>): number[] {
  const ends = options.has('MIN') || options.has('MAX');
  if (!ends || options.has('ALL') || options.has('COUNT')) return found;
  const kept = [...(options.has('MIN') ? found.slice(0, 1) : []), ...(options.has('MAX') ? found.slice(-1) : [])];
  return [...new Set(kept)];
}

function answer(
  client: Client,
  selection: Selection,
  found: number[],
  options: Set<string> | null,
  call: { tag: string; uid: boolean },
): void {
  const numbers = call.uid ? found : found.map((uid) => selection.view.sequenceOf(uid));
  if (!options && !client.enabled.has('IMAP4REV2')) client.output.line(['* SEARCH', ...numbers].join(' '));
  else extended(client, numbers, options ?? new Set(['ALL']), call);
}

function extended(client: Client, numbers: number[], options: Set<string>, { tag, uid }: { tag: string; uid: boolean }): void {
  // SAVE alone asks for no answer (RFC 5182 §2.1).
  if (options.size === 1 && options.has('SAVE')) return;
  const items: string[] = [];
  if (numbers.length > 0) {
    if (options.has('MIN')) items.push(`MIN ${numbers[0]}`);
    if (options.has('MAX')) items.push(`MAX ${numbers.at(-1)}`);
    if (options.has('ALL')) items.push(`ALL ${formatSet(numbers)}`);
  }
  if (options.has('COUNT')) items.push(`COUNT ${numbers.length}`);
  client.output.line([`* ESEARCH (TAG ${string(tag)})`, ...(uid ? ['UID'] : []), ...items].join(' '));
}
