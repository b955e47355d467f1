/** SORT (RFC 5256 §3), by display names (RFC 5957), with extended results (RFC 5267 §3). */
import { requireOn } from '../capabilities.ts';
import { type Command, type Completion, SELECTED, selectionOf } from '../client.ts';
import { readCharset } from '../search/charset.ts';
import { evaluate } from '../search/evaluate.ts';
import { readKeys } from '../search/keys.ts';
import { modseqSuffix, readReturnOptions } from '../search/results.ts';
import { selectedScope } from '../search/scope.ts';
import { readCriteria, sortUids } from '../search/sort.ts';
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
      const order = readCriteria(args, client);
      args.space();
      const decode = readCharset(args);
      args.space();
      const criteria = readKeys(args, client, decode, Date.now());
      const scope = selectedScope(client, call, selection);
      const found = await sortUids(scope, await evaluate(scope, criteria.key), order);
      const answer = answerOf(client, selection, call, criteria, found);
      if (options) tellExtended(client, call, answer, options);
      else client.output.line(`* ${['SORT', ...answer.numbers].join(' ')}${modseqSuffix(answer)}`);
      return { found, completion: { text: 'SORT completed', expunge: call.uid && !criteria.numbered } };
    });
  },
};
