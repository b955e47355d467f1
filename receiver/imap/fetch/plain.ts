/**
 * The text of FETCH items that need no original (RFC 9051 §7.5.2). A list of items becomes one function that
 * concatenates, so that the loop over 100,000 messages does nothing else.
 */
import type { Flags, Message } from '../session.ts';
import { encodeUtf8 } from '../wire/bytes.ts';
import { formatDateTime } from '../wire/dates.ts';
import { string } from '../wire/encoder.ts';
import type { PlainItem } from './items.ts';

/** What a message answers for an item; `utf8`: the client takes eight-bit quoted strings. */
type Writer = (message: Message, dynamic: Dynamic, utf8: boolean) => string;
/** What changes about a message. */
export interface Dynamic {
  flags: Flags;
  modseq: number;
}

const WRITERS: Record<PlainItem, Writer> = {
  UID: (message) => `UID ${message.uid}`,
  FLAGS: (_message, { flags }) => `FLAGS ${flags.text}`,
  MODSEQ: (_message, { modseq }) => `MODSEQ (${modseq})`,
  INTERNALDATE: (message) => `INTERNALDATE ${formatDateTime(message.internalDate)}`,
  'RFC822.SIZE': (message) => `RFC822.SIZE ${message.size}`,
  ENVELOPE: (message) => `ENVELOPE ${message.envelope}`,
  BODY: (message) => `BODY ${message.body}`,
  BODYSTRUCTURE: (message) => `BODYSTRUCTURE ${message.bodyStructure}`,
  EMAILID: (message) => `EMAILID (${message.emailId})`,
  THREADID: (message) => `THREADID (${message.threadId})`,
  SAVEDATE: (message) => `SAVEDATE ${formatDateTime(message.savedDate)}`,
  PREVIEW: (message, _dynamic, utf8) => `PREVIEW ${string(encodeUtf8(message.preview), utf8)}`,
};

export function plainText(item: PlainItem, message: Message, dynamic: Dynamic, utf8: boolean): string {
  return WRITERS[item](message, dynamic, utf8);
}

export type Immediate = 'UID' | 'FLAGS' | 'MODSEQ';

/** Items that need nothing but what is in memory for every message. */
export function isImmediate(item: unknown): item is Immediate {
  return item === 'UID' || item === 'FLAGS' || item === 'MODSEQ';
}
