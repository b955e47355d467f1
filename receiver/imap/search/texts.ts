/**
 * SEARCH TEXT and BODY (RFC 9051 §6.4.4). Exact substrings wherever the text of a message is at hand or can be read within the bound;
 * where more than that would have to be fetched, the words of the store's full text decide about those messages (words that begin
 * as asked, Chinese by pairs of characters), and their texts are fetched for the next search.
 */
import { Refusal } from '../session.ts';
import type { TextScope } from './columns.ts';
import type { Scope } from './evaluate.ts';
import type { SearchKey } from './keys.ts';
import { decodedText, eachMessage, isReadable } from './originals.ts';
import { type Uids, uidsOf } from './uids.ts';

type TextKey = SearchKey & { key: 'text' };

export async function matchText(scope: Scope, key: TextKey, uids: Uids): Promise<Uids> {
  // Every message holds the empty string.
  if (key.text === '') return uids;
  const { found, unread } = await scope.box.scanTexts(key.scope, key.text, uids, scope.pause);
  const open = uidsOf(unread);
  const rest = (await isReadable(scope, open)) ? await byReading(scope, key, open) : await byWords(scope, key, open);
  return uidsOf([...found, ...rest]);
}

async function byReading(scope: Scope, key: TextKey, uids: Uids): Promise<number[]> {
  const found: number[] = [];
  await eachMessage(scope, uids, async (message) => {
    const text = await decodedText(scope.box, message);
    scope.box.keepText(message, text);
    if (holds(text, key.scope, key.text)) found.push(message.uid);
  });
  return found;
}

async function byWords({ box }: Scope, { scope, words }: TextKey, uids: Uids): Promise<number[]> {
  const matches = await box.fullText(scope, words, uids);
  if (!matches) throw new Refusal('LIMIT', 'Too much mail to look through for a text without a word in it');
  return [...uids].filter((uid) => matches.has(uid));
}

function holds({ header, body }: { header: string; body: string[] }, scope: TextScope, text: string): boolean {
  return (scope === 'text' && header.includes(text)) || body.some((part) => part.includes(text));
}
