/**
 * SEARCH (RFC 9051 §6.4.4), its extended results (RFC 4731, RFC 9394) and `$` (RFC 5182). IMAP4rev1 clients without RETURN get the old
 * `* SEARCH` line; after ENABLE IMAP4rev2, or with RETURN, the answer is an ESEARCH.
 */
import { requireOn } from '../capabilities.ts';
import { type Call, type Client, type Command, type Completion, SELECTED, selectionOf } from '../client.ts';
import { becomeAware } from '../manner.ts';
import { readOptionalCharset } from '../search/charset.ts';
import { evaluate } from '../search/evaluate.ts';
import { type Criteria, readKeys } from '../search/keys.ts';
import {
  type Answer,
  answerItems,
  plainResponse,
  RETURN_ALL,
  type ReturnOptions,
  readReturnOptions,
  savedResult,
} from '../search/results.ts';
import { selectedScope } from '../search/scope.ts';
import type { Uids } from '../search/uids.ts';
import type { Selection } from '../selection.ts';
import { Refusal } from '../session.ts';
import { string } from '../wire/encoder.ts';

export const search: Command = {
  name: 'SEARCH',
  states: SELECTED,
  uid: 'also',
  async run(client, args, call): Promise<Completion> {
    const selection = selectionOf(client);
    const options = readReturnOptions(args, client);
    if (options) requireOn(client, 'ESEARCH');
    return saving(selection, options, async () => {
      args.space();
      const criteria = readKeys(args, client, readOptionalCharset(args, client), Date.now());
      const found = await evaluate(selectedScope(client, call, selection), criteria.key);
      const answer = answerOf(client, selection, call, criteria, found);
      if (options || client.enabled.has('IMAP4REV2')) tellExtended(client, call, answer, options ?? RETURN_ALL);
      else client.output.line(plainResponse('SEARCH', answer));
      return { found, completion: { text: 'SEARCH completed', expunge: call.uid && !criteria.numbered } };
    });
  },
};

/** Keeps `$` as RFC 5182 wants it: the result of a SAVE, nothing after one that failed with NO (§2.1). */
export async function saving(
  selection: Selection,
  options: ReturnOptions | null,
  work: () => Promise<{ found: Uids; completion: Completion }>,
): Promise<Completion> {
  const saves = options?.names.has('SAVE') ? options : null;
  try {
    const { found, completion } = await work();
    if (saves) selection.saved = savedResult(found, saves);
    return completion;
  } catch (error) {
    if (saves && error instanceof Refusal) selection.saved = [];
    throw error;
  }
}

/** What was found, in the numbers the client wants. Asking for mod-sequences makes it CONDSTORE-aware (RFC 7162 §3.1). */
export function answerOf(client: Client, selection: Selection, { uid }: Call, { modseq }: Criteria, found: Uids): Answer {
  if (modseq) becomeAware(client);
  const numbers = uid ? found : found.map((each) => selection.view.sequenceOf(each));
  return { found, numbers, modseq: modseq ? (each) => selection.box.modseq(each) : null };
}

export function tellExtended(client: Client, { tag, uid }: Call, answer: Answer, options: ReturnOptions): void {
  const items = answerItems(answer, options);
  if (items !== null) client.output.line(`* ESEARCH (TAG ${string(tag)})${uid ? ' UID' : ''}${items}`);
}
