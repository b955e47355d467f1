/** Destroying mailboxes (RFC 8621 §2.5), with their mail when the client says so. */
import type { SetError } from '../../../shared/jmap/errors.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import type { MailboxFacts } from '../../../shared/jmap/mailbox/properties.ts';
import { operationError } from '../operations.ts';
import type { MailboxWork, Step } from './work.ts';

/** Children before their parents, so that a whole branch can go in one call. */
export function destroyMailboxes(work: MailboxWork, ids: readonly string[]): Step[] {
  const doomed = ids.flatMap((id) => work.rows.find((row) => row.id === decodeId('Mailbox', id)) ?? []);
  const known = new Set(doomed.map((row) => encodeId('Mailbox', row.id)));
  for (const id of ids) if (!known.has(id)) work.outcome.notDestroyed.set(id, { type: 'notFound' });
  const steps: Step[] = [];
  for (const row of doomed.sort((a, b) => depth(b, work.rows) - depth(a, work.rows))) {
    const id = encodeId('Mailbox', row.id);
    const refusal = destroyRefusal(work, row);
    if (refusal) work.outcome.notDestroyed.set(id, refusal);
    else steps.push(destroyStep(work, row, id));
  }
  return steps;
}

function destroyRefusal(work: MailboxWork, row: MailboxFacts): SetError | null {
  if (row.role === 'inbox') return { type: 'forbidden', description: 'mail arrives in the inbox' };
  if (work.rows.some((each) => each.parent === row.id)) return { type: 'mailboxHasChild' };
  return row.emails > 0 && !work.removeEmails ? { type: 'mailboxHasEmail' } : null;
}

function destroyStep(work: MailboxWork, row: MailboxFacts, id: string): Step {
  work.rows.splice(work.rows.indexOf(row), 1);
  return {
    operation: { op: 'destroyMailbox', mailbox: row.id, ...(work.removeEmails ? { expungeEmails: true } : {}) },
    settle: (result) => {
      const error = operationError(result);
      if (error) work.outcome.notDestroyed.set(id, error);
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
