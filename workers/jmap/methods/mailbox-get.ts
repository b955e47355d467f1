/** Mailbox/get (RFC 8621 §2.1). One query for the rows, whatever is asked for. */
import { getAnswer, pick, readGet } from '../../../shared/jmap/get.ts';
import { encodeId } from '../../../shared/jmap/ids.ts';
import { MAILBOX_PROPERTIES, mailboxObject } from '../../../shared/jmap/mailbox/properties.ts';
import type { Method } from '../context.ts';

export const mailboxGet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { ids, properties } = readGet(args, MAILBOX_PROPERTIES);
  const [{ Mailbox: state }, rows] = await Promise.all([context.states(), ids?.length === 0 ? [] : context.mail.mailboxes()]);
  const wanted = ids === null ? rows : rows.filter((row) => ids.includes(encodeId('Mailbox', row.id)));
  const found = new Map(wanted.map((row) => [encodeId('Mailbox', row.id), pick(mailboxObject(row), properties)]));
  return getAnswer(accountId, state, ids, found);
};
