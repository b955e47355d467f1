/**
 * The vacation reply (RFC 8621 §8) to one message: decided by its header (shared/vacation.ts), once per sender and week,
 * composed as RFC 5230 §5 and RFC 3834 §3 ask, and put into the ordinary outbox from the null reverse-path, so that
 * nothing can answer or bounce back.
 */
import { composeMessage } from '../../shared/mime/compose.ts';
import { UnsafeHeader } from '../../shared/mime/fields.ts';
import { type HeaderField, headerValue, lastHeaderValue } from '../../shared/mime/headers.ts';
import { htmlToText } from '../../shared/mime/htmlText.ts';
import { boundedReferences, parseMessageIds } from '../../shared/mime/messageids.ts';
import { cutText } from '../../shared/mime/octets.ts';
import { decodeWords } from '../../shared/mime/words.ts';
import { answeringAddress } from '../../shared/vacation.ts';
import type { ArrivalNotice, Env } from '../env.ts';
import { openDirectory } from '../store/directory/index.ts';
import { openMail } from '../store/mail/index.ts';
import type { Account, VacationRow } from '../store/mail/types.ts';
import { claimReply } from '../store/mail/vacation.ts';
import { putAutomatic } from './automatic.ts';

/** Characters kept of the subject that is answered. */
const SUBJECT_MAX = 200;
/** RFC 5230 §5.3: where the message had no subject. */
const SUBJECT = 'Automated reply';
/** RFC 8621 §8: "an appropriate default body". */
const TEXT = 'I am away at the moment and may not read your message for some time.';

/** Answers a message if it is one to be answered. Seven queries at most. */
export async function answerArrival(
  env: Env,
  account: Account,
  fields: readonly HeaderField[],
  arrival: ArrivalNotice['arrival'],
): Promise<void> {
  const { mailFrom, rcptTo } = arrival.envelope;
  const ownAddresses = [...(await openDirectory(env).addressesOf(account.id)), ...rcptTo];
  const from = answeringAddress({ mailFrom, fields, ownAddresses });
  if (from === null) return;
  const cause = { sender: mailFrom.toLowerCase(), at: arrival.at, cause: arrival.spool };
  const vacation = await claimReply(env, account, cause);
  if (vacation === null) return;
  const message = compose(vacation, fields, { from: { name: account.name || null, email: from }, to: mailFrom });
  if (message === null) return;
  await putAutomatic(env, openMail(env, account), `vacation ${arrival.spool}`, message, [mailFrom]);
}

interface Correspondents {
  from: { name: string | null; email: string };
  to: string;
}

/** Null when the sender's address cannot stand in a header. */
function compose(vacation: VacationRow, fields: readonly HeaderField[], people: Correspondents): Uint8Array | null {
  const ids = (name: string) => parseMessageIds(headerValue(fields, name) ?? '').filter((id) => /^[!-~]{1,250}$/.test(id));
  const [messageId] = ids('message-id');
  const before = ids('references');
  const references = messageId === undefined ? [] : boundedReferences([...(before.length > 0 ? before : ids('in-reply-to')), messageId]);
  const reply = (subject: string) =>
    composeMessage({
      from: [people.from],
      to: [{ email: people.to }],
      subject,
      inReplyTo: messageId === undefined ? [] : [messageId],
      references,
      text: vacation.textBody ?? (vacation.htmlBody === null ? TEXT : htmlToText(vacation.htmlBody)),
      ...(vacation.htmlBody === null ? {} : { html: vacation.htmlBody }),
      headers: { 'Auto-Submitted': 'auto-replied', 'X-Auto-Response-Suppress': 'All' },
    });
  return composedSafely(() => reply(vacation.subject ?? answeringSubject(fields))) ?? composedSafely(() => reply(SUBJECT));
}

function answeringSubject(fields: readonly HeaderField[]): string {
  const subject = decodeWords(lastHeaderValue(fields, 'subject') ?? '')
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
  return subject === '' ? SUBJECT : `Auto: ${cutText(subject, SUBJECT_MAX)}`;
}

function composedSafely(make: () => Uint8Array): Uint8Array | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof UnsafeHeader) return null;
    throw error;
  }
}
