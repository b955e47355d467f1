/**
 * Runs a search over a selected mailbox in three passes (flags; index; originals), in turns, so that neither the passes nor
 * a large mailbox keep other clients waiting.
 */
import type { Client } from '../client.ts';
import type { Selection } from '../selection.ts';
import type { Message } from '../session.ts';
import type { SearchKey } from './keys.ts';
import { type Candidate, compile, type Test } from './match.ts';
import { readOriginal } from './originals.ts';

/** Messages between two looks at the clock: a search may have 1,000 keys. */
const FLAGS_BATCH = 256;
const FACTS_BATCH = 256;
const FACTS_TURN = 16;
/** Originals read at once. */
const READS = 4;

/** UIDs that match, ascending. Throws Refusal UNAVAILABLE when an original it needs cannot be had. */
export async function search(client: Client, selection: Selection, key: SearchKey): Promise<number[]> {
  const test = compile(key);
  const { found, open } = await byFlags(client, selection, test);
  if (open.length === 0) return found;
  for (let from = 0; from < open.length && !client.output.closed; from += FACTS_BATCH) {
    found.push(...(await byFacts(client, selection, test, open.slice(from, from + FACTS_BATCH))));
    await client.breathe();
  }
  return found.sort((a, b) => a - b);
}

async function byFlags(client: Client, selection: Selection, test: Test): Promise<{ found: number[]; open: number[] }> {
  const { uids } = selection.view;
  const found: number[] = [];
  const open: number[] = [];
  for (let index = 0; index < uids.length; index += 1) {
    const uid = uids[index] ?? 0;
    const flags = selection.box.flags(uid);
    if (flags) {
      const answer = test({ uid, sequence: index + 1, flags });
      if (answer === true) found.push(uid);
      else if (answer === undefined) open.push(uid);
    }
    if (index % FLAGS_BATCH === 0) await client.breathe();
  }
  return { found, open };
}

async function byFacts(client: Client, selection: Selection, test: Test, uids: number[]): Promise<number[]> {
  const found: number[] = [];
  const open: { candidate: Candidate; message: Message }[] = [];
  for (const [index, message] of [...selection.box.messages(uids)].entries()) {
    if (index % FACTS_TURN === 0) await client.breathe();
    const flags = selection.box.flags(message.uid);
    if (!flags) continue;
    const candidate: Candidate = { uid: message.uid, sequence: selection.view.sequenceOf(message.uid), flags, message };
    const answer = test(candidate);
    if (answer === true) found.push(message.uid);
    else if (answer === undefined) open.push({ candidate, message });
  }
  for (let from = 0; from < open.length && !client.output.closed; from += READS) {
    const answers = await Promise.all(
      open.slice(from, from + READS).map(async ({ candidate, message }) => {
        const original = await readOriginal(selection.box, message);
        return test({ ...candidate, original }) === true ? message.uid : 0;
      }),
    );
    found.push(...answers.filter((uid) => uid > 0));
    await client.breathe();
  }
  return found;
}
