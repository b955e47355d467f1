/**
 * The parameters of SELECT and EXAMINE (RFC 4466 §2.1): CONDSTORE, and QRESYNC with what a client knew when it was here last (RFC 7162
 * §3.2.5). It is answered with what went and what changed since; nothing, when the mailbox is no longer the one it knew.
 */
import type { Client } from './client.ts';
import { mannerOf } from './manner.ts';
import { readModseq } from './modseq.ts';
import type { Selection } from './selection.ts';
import { earlierLines, knownRanges, matchedUid } from './vanished.ts';
import { type Arguments, Malformed } from './wire/arguments.ts';
import { lowerBound, type SequenceSet, STAR } from './wire/sets.ts';

/** Messages told between two looks at the clock and at the client's reading. */
const TOLD_BATCH = 512;
const UIDVALIDITY_MAX = 0xffffffff;

export interface Knowledge {
  uidvalidity: number;
  modseq: number;
  /** Null: everything up to UIDNEXT. */
  uids: SequenceSet | null;
  /** Sequence numbers and the UIDs they had. */
  match: { sequences: SequenceSet; uids: SequenceSet } | null;
}
export interface SelectParameters {
  condstore: boolean;
  qresync: Knowledge | null;
}

/** ` (CONDSTORE QRESYNC (…))` or nothing. */
export function readParameters(args: Arguments, client: Client): SelectParameters {
  const parameters: SelectParameters = { condstore: false, qresync: null };
  if (!args.skip(' ')) return parameters;
  args.list(() => {
    const name = args.word('a SELECT parameter');
    if (name === 'CONDSTORE') parameters.condstore = true;
    else if (name === 'QRESYNC' && !parameters.qresync) parameters.qresync = readKnowledge(args, client);
    else throw new Malformed('Unknown SELECT parameter');
  });
  return parameters;
}

function readKnowledge(args: Arguments, client: Client): Knowledge {
  if (!client.enabled.has('QRESYNC')) throw new Malformed('ENABLE QRESYNC first');
  args.space();
  args.char('(');
  const uidvalidity = args.number();
  if (uidvalidity === 0 || uidvalidity > UIDVALIDITY_MAX) throw new Malformed('Invalid UIDVALIDITY');
  args.space();
  const knowledge: Knowledge = { uidvalidity, modseq: readModseq(args), uids: null, match: null };
  if (args.skip(' ')) {
    if (args.peek() !== '(') knowledge.uids = readKnown(args);
    if (args.peek() === '(' || args.skip(' ')) knowledge.match = readMatch(args, client);
  }
  args.char(')');
  return knowledge;
}

function readMatch(args: Arguments, client: Client): NonNullable<Knowledge['match']> {
  if (client.enabled.has('UIDONLY')) throw new Malformed('Sequence numbers are not used after ENABLE UIDONLY', 'UIDREQUIRED');
  args.char('(');
  const sequences = readKnown(args, true);
  args.space();
  const uids = readKnown(args, true);
  args.char(')');
  return { sequences, uids };
}

/** A set without `*` and `$`; `ascending`: that too. */
function readKnown(args: Arguments, ascending = false): SequenceSet {
  const set = args.set();
  let last = 0;
  const good = set.ranges.every(([from, to]) => {
    const inOrder = from > last && to >= from;
    last = to;
    return to !== STAR && from !== STAR && (!ascending || inOrder);
  });
  if (set.saved || !good) throw new Malformed('Invalid set of known messages');
  return set;
}

/** What has changed since, as far as the client is concerned: VANISHED (EARLIER) first, then FETCH (RFC 7162 §3.2.5.1, §3.2.6). */
export async function resynchronize(client: Client, selection: Selection, knowledge: Knowledge): Promise<void> {
  const { box, view } = selection;
  if (knowledge.uidvalidity !== box.mailbox.uidvalidity) return;
  const last = box.uidnext() - 1;
  const known: [number, number][] = knowledge.uids ? knownRanges(knowledge.uids, box) : last > 0 ? [[1, last]] : [];
  const matched = knowledge.match ? matchedUid(view.uids, knowledge.match.sequences, knowledge.match.uids) : 0;
  client.output.write(earlierLines(box, known, knowledge.modseq, matched));
  const uids = view.uids.slice();
  for (const [from, to] of known) await tellChanged(client, selection, uids, [from, to], knowledge.modseq);
}

async function tellChanged(
  client: Client,
  selection: Selection,
  uids: Uint32Array,
  [from, to]: [number, number],
  modseq: number,
): Promise<void> {
  const manner = mannerOf(client, true);
  for (let index = lowerBound(uids, from); index < uids.length && (uids[index] ?? 0) <= to; index += 1) {
    const uid = uids[index] ?? 0;
    if (selection.box.modseq(uid) > modseq) selection.tellFlags(client.output, uid, manner);
    if (index % TOLD_BATCH === 0) await client.breathe();
    if (client.output.closed) return;
  }
}
