/** THREAD (RFC 5256 §3): by references and by subject; the answer is written while it is made. */
import { requireOn } from '../capabilities.ts';
import { type Client, type Command, type Completion, SELECTED, selectionOf } from '../client.ts';
import { becomeAware } from '../manner.ts';
import { readCharset } from '../search/charset.ts';
import { evaluate, type Scope } from '../search/evaluate.ts';
import { readKeys } from '../search/keys.ts';
import { indices, sortByRank } from '../search/ranks.ts';
import { selectedScope } from '../search/scope.ts';
import type { Uids } from '../search/uids.ts';
import { type Forest, growForest, threadText } from '../threading/forest.ts';
import { type ThreadedMessages, threadedMessages } from '../threading/messages.ts';
import { threadBySubject } from '../threading/ordered-subject.ts';
import { threadByReferences } from '../threading/references.ts';
import { Malformed } from '../wire/arguments.ts';

const ALGORITHMS: Record<string, (scope: Scope, uids: Uids) => Promise<Forest>> = {
  async REFERENCES(scope, uids) {
    const order = await byDate(scope, uids);
    return growForest(await threadByReferences(await readThreaded(scope, uids), order, scope.pause), order);
  },
  async ORDEREDSUBJECT(scope, uids) {
    const order = await byDate(scope, uids);
    return growForest(threadBySubject(await scope.box.orders.ranks(scope, uids, 'SUBJECT'), order), order);
  },
};

export const thread: Command = {
  name: 'THREAD',
  states: SELECTED,
  uid: 'also',
  async run(client, args, call): Promise<Completion> {
    const selection = selectionOf(client);
    args.space();
    const name = args.word('a threading algorithm');
    const algorithm = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined;
    if (!algorithm) throw new Malformed('Unknown threading algorithm');
    requireOn(client, `THREAD=${name}`);
    args.space();
    const decode = readCharset(args);
    args.space();
    const criteria = readKeys(args, client, decode, Date.now());
    if (criteria.modseq) becomeAware(client);
    const scope = selectedScope(client, call, selection);
    const uids = await evaluate(scope, criteria.key);
    const forest = await algorithm(scope, uids);
    await write(client, scope, forest, (message) => {
      const uid = uids[message] ?? 0;
      return call.uid ? uid : selection.view.sequenceOf(uid);
    });
    return { text: 'THREAD completed', expunge: call.uid && !criteria.numbered };
  },
};

async function readThreaded(scope: Scope, uids: Uids): Promise<ThreadedMessages> {
  const { orders } = scope.box;
  const subjects = await orders.ranks(scope, uids, 'SUBJECT');
  return threadedMessages(await orders.links.read(scope, uids), uids, subjects);
}

/** RFC 5256 §2.2: the order of the mailbox breaks ties. */
async function byDate(scope: Scope, uids: Uids): Promise<Uint32Array> {
  return sortByRank(indices(uids.length), await scope.box.orders.ranks(scope, uids, 'DATE'));
}

async function write({ output }: Client, { pause }: Scope, forest: Forest, numberOf: (message: number) => number): Promise<void> {
  output.write(forest.roots.length > 0 ? '* THREAD ' : '* THREAD');
  for (const text of threadText(forest, numberOf)) {
    output.write(text);
    await pause();
  }
  output.write('\r\n');
}
