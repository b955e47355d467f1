/** Puts `reply.ts` together with the reader's language and the message's text, HTML or plain. */
import type { BodyValue, EmailAddress, EmailDetail, Identity } from '../jmap/types.ts';
import { textOfHtml } from '../reading/text.ts';
import { nextKey } from '../state/attachments.ts';
import { LOCALES, language, t } from '../text/messages.ts';
import { displayName } from '../text/names.ts';
import { exactTime } from '../text/time.ts';
import type { Attachment, Draft } from './draft.ts';
import { beginReply, type ReplyKind } from './reply.ts';

export function beginning(
  kind: ReplyKind,
  message: EmailDetail,
  values: Record<string, BodyValue>,
  identities: Identity[],
): Partial<Draft> {
  const mine = identities.map(({ name, email }) => ({ name, email }));
  const sender = message.from?.[0];
  const date = exactTime(message.sentAt ?? message.receivedAt, LOCALES[language.value]);
  const words = {
    attribution: t('write.onDate', { date, name: sender ? formatAddress(sender) : t('list.noSender') }),
    forwarded: t('write.forwarded'),
    headerLines: forwardedHeader(message, date),
  };
  const begun = beginReply(kind, message, messageText(message, values), mine, words);
  return {
    ...begun,
    attachments: asAttachments(begun.attachments),
    from: identityFor(message, mine),
    answers: { id: message.id, keyword: kind === 'forward' ? '$forwarded' : '$answered' },
  };
}

/** A draft from the server as it was left. */
export function resumed(message: EmailDetail, values: Record<string, BodyValue>): Partial<Draft> {
  return {
    to: message.to ?? [],
    cc: message.cc ?? [],
    bcc: message.bcc ?? [],
    subject: message.subject ?? '',
    body: messageText(message, values),
    attachments: asAttachments(message.attachments),
    from: message.from?.[0],
    inReplyTo: message.inReplyTo,
    references: message.references,
    savedId: message.id,
  };
}

/** The text parts in order; HTML ones as text. */
export function messageText({ textBody }: EmailDetail, values: Record<string, BodyValue>): string {
  const texts = textBody.map(({ partId, type }) => {
    const value = values[partId ?? '']?.value ?? '';
    return type === 'text/html' ? textOfHtml(value) : value;
  });
  return texts.join('\n').replaceAll('\r\n', '\n');
}

function asAttachments(parts: EmailDetail['attachments']): Attachment[] {
  return parts.flatMap(({ blobId, name, type, size }) =>
    blobId === null ? [] : [{ key: nextKey(), name: name ?? t('read.unnamed'), type, size, blobId, failed: false }],
  );
}

/** One answers as the address the message was sent to. */
function identityFor({ to, cc }: EmailDetail, mine: EmailAddress[]): EmailAddress | undefined {
  const addressed = new Set([...(to ?? []), ...(cc ?? [])].map(({ email }) => email.toLowerCase()));
  return mine.find(({ email }) => addressed.has(email.toLowerCase()));
}

function forwardedHeader(message: EmailDetail, date: string): string[] {
  const list = (addresses: EmailAddress[] | null) => (addresses ?? []).map(formatAddress).join(', ');
  const lines: [string, string][] = [
    [t('read.from'), list(message.from)],
    [t('read.date'), date],
    [t('write.subject'), message.subject ?? ''],
    [t('write.to'), list(message.to)],
    [t('write.cc'), list(message.cc)],
  ];
  return lines.filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}`);
}

function formatAddress(address: EmailAddress): string {
  const name = displayName(address);
  return name === address.email ? address.email : `${name} <${address.email}>`;
}
