/** Destroying mailboxes (RFC 8621 §2.5), with their mail when the client says so. */
import type { SetError } from '../../../shared/jmap/errors.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import type { MailboxFacts } from '../../../shared/jmap/mailbox/properties.ts';
import { operationError } from '../operations.ts';
import type { Attempt, MailboxWork, Step } from './work.ts';

/** Children before their parents, so that a whole branch can go in one call. Ids that name nothing are settled. */
export function readDestructions(work: MailboxWork, ids: readonly string[]): Attempt[] {
  const doomed = ids.flatMap((id) => work.rows.find((row) => row.id === decodeId('Mailbox', id)) ?? []);
  const known = new Set(doomed.map((row) => encodeId('Mailbox', row.id)));
  for (const id of ids) if (!known.has(id)) work.outcome.notDestroyed.set(id, { type: 'notFound' });
  return doomed.sort((a, b) => depth(b, work.rows) - depth(a, work.rows)).map((row) => destruction(work, row));
}

function destruction(work: MailboxWork, row: MailboxFacts): Attempt {
  const id = encodeId('Mailbox', row.id);
  const refuse = (error: SetError): void => {
    work.outcome.notDestroyed.set(id, error);
  };
  return { attempt: () => destroyRefusal(work, row) ?? destroyStep(work, row, id, refuse), refuse };
}

function destroyRefusal(work: MailboxWork, row: MailboxFacts): SetError | null {
  if (row.role === 'inbox') return { type: 'forbidden', description: 'mail arrives in the inbox' };
  if (work.rows.some((each) => each.parent === row.id)) return { type: 'mailboxHasChild' };
  return row.emails > 0 && !work.removeEmails ? { type: 'mailboxHasEmail' } : null;
}

function destroyStep(work: MailboxWork, row: MailboxFacts, id: string, refuse: (error: SetError) => void): Step {
  work.rows.splice(work.rows.indexOf(row), 1);
  return {
    operation: { op: 'destroyMailbox', mailbox: row.id, ...(work.removeEmails ? { expungeEmails: true } : {}) },
    settle: (result) => {
      const error = operationError(result);
      if (error) refuse(error);
      else work.outcome.destroyed.push(id);
    },
  };
}

function depth(row: MailboxFacts, rows: readonly MailboxFacts[]): number {
  let levels = 0;
  for (let at: MailboxFacts | undefined = row; at && levels <= rows.length; levels++) {
    const { parent }: MailboxFacts = at;
    at = rows.find((each) => each.id === parent);
  }
  return levels;
}
