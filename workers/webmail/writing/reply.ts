/**
 * What a reply or a forward begins with: recipients, subject, threading fields (RFC 5322 §3.6.4), quoted text.
 * Pure: the words and the time formats are handed in.
 */
import type { BodyPart, EmailAddress, EmailDetail } from '../jmap/types.ts';
import { distinct, sameAddress } from './addresses.ts';

/** References kept in a reply: the first and the latest; longer chains only grow the header. */
const REFERENCES_MAX = 30;

export type ReplyKind = 'reply' | 'replyAll' | 'forward';

export interface Beginning {
  to: EmailAddress[];
  cc: EmailAddress[];
  subject: string;
  body: string;
  inReplyTo: string[] | null;
  references: string[] | null;
  attachments: BodyPart[];
}

export interface Words {
  /** "On …, … wrote:" */
  attribution: string;
  forwarded: string;
  /** Header lines of a forwarded message, already worded. */
  headerLines: string[];
}

/** `mine`: the account's own addresses, which are not answered. */
export function beginReply(kind: ReplyKind, original: EmailDetail, text: string, mine: EmailAddress[], words: Words): Beginning {
  if (kind === 'forward') return beginForward(original, text, words);
  const { to, cc } = recipients(kind, original, mine);
  return {
    to,
    cc,
    subject: prefixed('Re: ', original.subject ?? ''),
    body: `\n\n${words.attribution}\n${quote(text)}\n`,
    inReplyTo: original.messageId,
    references: referencesFor(original),
    attachments: [],
  };
}

function beginForward(original: EmailDetail, text: string, words: Words): Beginning {
  const head = [`---------- ${words.forwarded} ----------`, ...words.headerLines].join('\n');
  return {
    to: [],
    cc: [],
    subject: prefixed('Fwd: ', original.subject ?? ''),
    body: `\n\n${head}\n\n${text.trimEnd()}\n`,
    inReplyTo: null,
    references: referencesFor(original),
    attachments: original.attachments.filter(({ blobId }) => blobId !== null),
  };
}

/** A message of one's own is "replied to" towards its recipients, as in every mail client. */
function recipients(kind: ReplyKind, original: EmailDetail, mine: EmailAddress[]): { to: EmailAddress[]; cc: EmailAddress[] } {
  const isMine = (address: EmailAddress) => mine.some((own) => sameAddress(own, address));
  const from = original.from ?? [];
  const own = from.length > 0 && from.every(isMine);
  const sender = own ? (original.to ?? []) : original.replyTo?.length ? original.replyTo : from;
  const to = distinct(sender);
  if (kind === 'reply') return { to, cc: [] };
  const others = distinct([...(own ? [] : (original.to ?? [])), ...(original.cc ?? [])]);
  const cc = others.filter((address) => !isMine(address) && !to.some((one) => sameAddress(one, address)));
  return { to, cc };
}

/** RFC 5322 §3.6.4: the parent's References (or else its single In-Reply-To), then its Message-ID. */
export function referencesFor({ references, inReplyTo, messageId }: EmailDetail): string[] | null {
  const before = references?.length ? references : inReplyTo?.length === 1 ? inReplyTo : [];
  const chain = [...before, ...(messageId ?? [])].filter((id, index, all) => all.lastIndexOf(id) === index);
  if (chain.length === 0) return null;
  return chain.length > REFERENCES_MAX ? [...chain.slice(0, 1), ...chain.slice(1 - REFERENCES_MAX)] : chain;
}

/** `Re: Re: AW: x` becomes `Re: x`. */
export function prefixed(prefix: string, subject: string): string {
  const known = prefix.startsWith('Re') ? /^((re|aw|sv|antw|回复|答复)\s*[:\uff1a]\s*)+/i : /^((fwd?|wg|转发)\s*[:\uff1a]\s*)+/i;
  return prefix + subject.replace(known, '');
}

/** RFC 3676 §4.5: a space after the marks, none between them. */
export function quote(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line.startsWith('>') ? `>${line}` : line === '' ? '>' : `> ${line}`))
    .join('\n');
}
