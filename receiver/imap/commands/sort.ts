/** SORT (RFC 5256 §3), by display names (RFC 5957), with extended results (RFC 5267 §3). */
import { requireOn } from '../capabilities.ts';
import { type Command, type Completion, SELECTED, selectionOf } from '../client.ts';
import { readCharset } from '../search/charset.ts';
import { evaluate } from '../search/evaluate.ts';
import { readKeys } from '../search/keys.ts';
import { type Answer, plainResponse, readReturnOptions } from '../search/results.ts';
import { selectedScope } from '../search/scope.ts';
import { readCriteria, sortOrder } from '../search/sort.ts';
import type { Uids } from '../search/uids.ts';
import { answerOf, saving, tellExtended } from './search.ts';

export const sort: Command = {
  name: 'SORT',
  states: SELECTED,
  uid: 'also',
  async run(client, args, call): Promise<Completion> {
    const selection = selectionOf(client);
    const options = readReturnOptions(args, client);
    if (options) requireOn(client, 'ESORT');
    return saving(selection, options, async () => {
      args.space();
      const sorting = readCriteria(args, client);
      args.space();
      const decode = readCharset(args);
      args.space();
      const criteria = readKeys(args, client, decode, Date.now());
      const scope = selectedScope(client, call, selection);
      const uids = await evaluate(scope, criteria.key);
      const order = await sortOrder(scope, uids, sorting);
      const answer = inOrder(answerOf(client, selection, call, criteria, uids), order);
      if (options) tellExtended(client, call, answer, options);
      else client.output.line(plainResponse('SORT', answer));
      return { found: answer.found, completion: { text: 'SORT completed', expunge: call.uid && !criteria.numbered } };
    });
  },
};

/** An answer in the order of the mailbox, put into another one. */
function inOrder({ found, numbers, modseq }: Answer, order: Uint32Array<ArrayBuffer>): Answer {
  const sorted = (list: Uids): Uids => order.map((index) => list[index] ?? 0);
  return { found: sorted(found), numbers: sorted(numbers), modseq };
}
