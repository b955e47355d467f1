/**
 * The receiver's resident memory: idle after its start, with a mirror of thousands of messages in use, the most while a message
 * of 50 MB passes in by SMTP and out by IMAP, and for each of 500 connections in IDLE.
 */

import type { Posthouse } from '../../support/posthouse.ts';
import { receiverPid } from '../../support/processes.ts';
import type { Figure, Part } from '../figures.ts';
import { idleConnections } from '../idle-connections.ts';
import type { ImapConnection } from '../imap-connection.ts';
import { forgetPeak, memoryOf } from '../process.ts';
import { callerOf, ingestAll, openSignedCalls } from '../signed-calls.ts';
import { SmtpConnection } from '../smtp-connection.ts';
import { letter, openImapConnection, RECIPIENT, SENDER, withPosthouse } from '../world.ts';

const MB = 1024 * 1024;
const LETTER_OCTETS = 4096;
/** DESIGN.md, Budgets; the mirror's is for 100,000 messages. */
const BUDGET_MB = { idle: 120, mirror: 180, passing: 220 };

export const memory: Part = {
  name: 'memory',
  title: 'Receiver, resident memory',
  measure: ({ quick, full }) =>
    withPosthouse(async (posthouse) => {
      const pid = await receiverPid(posthouse);
      const figures: Figure[] = [{ what: 'idle', ours: await steady(pid), unit: 'MB', budget: BUDGET_MB.idle }];
      figures.push(...(await passing(posthouse, pid)));
      const messages = quick ? 500 : full ? 100_000 : 2000;
      const calls = await openSignedCalls(await callerOf(posthouse));
      await ingestAll(calls, messages, (number) => letter(number, LETTER_OCTETS));
      calls.close();
      const imap = await openImapConnection(posthouse);
      await useMailbox(imap);
      const what = `mirror of ${messages.toLocaleString('en')} messages in use`;
      figures.push({ what, ours: (await memoryOf(pid)).resident, unit: 'MB', budget: BUDGET_MB.mirror });
      imap.close();
      return [...figures, ...(await idleConnections(posthouse, quick ? 2 : 10, steady))];
    }),
};

/** What a client does first with a mailbox it does not know. */
async function useMailbox(imap: ImapConnection): Promise<void> {
  await imap.command('SELECT INBOX');
  await imap.command('FETCH 1:* (UID FLAGS)');
  await imap.command('FETCH 1:* (UID ENVELOPE BODYSTRUCTURE RFC822.SIZE INTERNALDATE)');
  await imap.command('FETCH 1:200 (BODY.PEEK[])');
  await imap.command('SEARCH SUBJECT "harvest"');
}

async function passing(posthouse: Posthouse, pid: number): Promise<Figure[]> {
  const raw = letter(0, 50 * MB);
  const imap = await openImapConnection(posthouse);
  const smtp = await SmtpConnection.open(posthouse.ready.smtp);
  await imap.command('SELECT INBOX');
  const { exists } = await imap.idle();
  await forgetPeak(pid);
  await smtp.send(SENDER, RECIPIENT, raw);
  await exists;
  const inwards = (await memoryOf(pid)).peak;
  await imap.command('FETCH 1 (BODY.PEEK[])');
  const { peak } = await memoryOf(pid);
  smtp.close();
  imap.close();
  return [
    { what: 'peak while 50 MB come in by SMTP and go to the edge', ours: inwards, unit: 'MB', budget: BUDGET_MB.passing },
    { what: 'peak, out by IMAP FETCH as well', ours: peak, unit: 'MB', budget: BUDGET_MB.passing },
  ];
}

/** Resident memory once it has stopped moving. */
async function steady(pid: number): Promise<number> {
  const recent: number[] = [];
  for (;;) {
    recent.push((await memoryOf(pid)).resident);
    if (recent.length > 10) recent.shift();
    const [least, most] = [Math.min(...recent), Math.max(...recent)];
    if (recent.length === 10 && most - least < 1) return most;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
