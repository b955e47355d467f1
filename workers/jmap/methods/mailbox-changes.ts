/** Mailbox/changes (RFC 8621 §2.2): says when nothing but counts changed. */
import { changesAnswer, readChanges } from '../../../shared/jmap/changes.ts';
import { COUNT_PROPERTIES } from '../../../shared/jmap/mailbox/properties.ts';
import type { Method } from '../context.ts';

export const mailboxChanges: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { sinceState, maxChanges } = readChanges(args);
  const changes = await context.mail.mailboxChanges(sinceState, maxChanges);
  const updatedProperties = changes?.countsOnly && changes.updated.length > 0 ? COUNT_PROPERTIES : null;
  return { ...changesAnswer(accountId, 'Mailbox', sinceState, changes), updatedProperties };
};
