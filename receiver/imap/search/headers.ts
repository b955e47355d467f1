/**
 * SEARCH SUBJECT, FROM, …, HEADER (RFC 9051 §6.4.4): fields decoded and casemapped. Those that people search for lie ready; other
 * kept fields are read from the index; what the index does not keep is looked up in the originals.
 */
import { casemap } from '../../../shared/casemap.ts';
import { isKeptField } from '../../../shared/mime/headers.ts';
import { decodeWords } from '../../../shared/mime/words.ts';
import { fieldValues } from '../headerlines.ts';
import type { Message } from '../session.ts';
import { latin1 } from '../wire/bytes.ts';
import { batches, type Scope } from './evaluate.ts';
import type { SearchKey } from './keys.ts';
import { assertReadable, eachMessage } from './originals.ts';
import { type Uids, uidsOf } from './uids.ts';

type HeaderKey = SearchKey & { key: 'header' };

const READY = { subject: 'subject', from: 'from', to: 'to', cc: 'cc', bcc: 'bcc' } as const;
/** Messages whose header lines are read between two looks at the clock. */
const LINES_TURN = 32;

export async function matchHeader(scope: Scope, key: HeaderKey, uids: Uids): Promise<Uids> {
  const column = key.text !== '' && Object.hasOwn(READY, key.field) ? READY[key.field as keyof typeof READY] : null;
  const { found, open } = column ? await byColumn(scope, column, key.text, uids) : await byLines(scope, key, uids);
  found.push(...(await byOriginals(scope, key, uidsOf(open))));
  return uidsOf(found);
}

interface Answer {
  found: number[];
  /** Only the original can tell. */
  open: number[];
}

async function byColumn({ box, pause }: Scope, column: keyof typeof READY, text: string, uids: Uids): Promise<Answer> {
  const answer: Answer = { found: [], open: [] };
  for (const some of batches(uids)) {
    for (const [index, row] of box.columns([column, 'headersComplete'], some).entries()) {
      if (row?.[0].includes(text)) answer.found.push(some[index] ?? 0);
      else if (row && !row[1]) answer.open.push(some[index] ?? 0);
    }
    await pause();
  }
  return answer;
}

/** What was kept was kept whole: a match in it is one. That there is none is known only of complete ones. */
async function byLines({ box, pause }: Scope, { field, text }: HeaderKey, uids: Uids): Promise<Answer> {
  if (!isKeptField(field)) return { found: [], open: [...uids] };
  const answer: Answer = { found: [], open: [] };
  let index = 0;
  for (const message of box.messages(uids)) {
    if (hasValue(message.headers, field, text)) answer.found.push(message.uid);
    else if (!message.headersComplete) answer.open.push(message.uid);
    if (index++ % LINES_TURN === 0) await pause();
  }
  return answer;
}

async function byOriginals(scope: Scope, { field, text }: HeaderKey, uids: Uids): Promise<number[]> {
  const found: number[] = [];
  await assertReadable(scope, uids);
  await eachMessage(scope, uids, async (message: Message) => {
    const { headerStart, bodyStart } = message.structure;
    const block = latin1(await scope.box.read(message, { offset: headerStart, length: bodyStart - headerStart }));
    if (hasValue(block, field, text)) found.push(message.uid);
  });
  return found;
}

function hasValue(block: string, field: string, text: string): boolean {
  return fieldValues(block, field).some((value) => text === '' || casemap(decodeWords(value)).includes(text));
}
