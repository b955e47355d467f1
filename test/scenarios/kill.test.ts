/**
 * Invariant 3, 250 means durable: the receiver is killed at ten random moments during a load of 500 messages.
 * Every message that got its 250 is in the Inbox exactly once; a message without one may be there or not.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openImap, openSmtp, type Posthouse, startPosthouse, until } from '../support/posthouse.ts';
import { receiverPid } from '../support/processes.ts';

const MESSAGES = 500;
const KILLS = 10;
const CONNECTIONS = 4;

let posthouse: Posthouse;
beforeAll(async () => {
  posthouse = await startPosthouse();
});
afterAll(() => posthouse?.dispose());

test('kill -9 at ten random moments loses nothing that got 250 and doubles nothing', async () => {
  const accepted = new Set<string>();
  let next = 0;
  let kills = 0;
  const killAt = new Set(randomMoments());
  const sender = async () => {
    while (next < MESSAGES) {
      const number = next++;
      if (killAt.has(number)) {
        kills++;
        process.kill(await receiverPid(posthouse), 'SIGKILL');
      }
      if (await trySend(number)) accepted.add(subjectOf(number));
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sender));
  expect(kills).toBe(KILLS);
  const subjects = await until(
    'every accepted message in the Inbox',
    async () => {
      const found = await listSubjects();
      return [...accepted].every((subject) => found.includes(subject)) && found;
    },
    60_000,
  );
  expect(new Set(subjects).size).toBe(subjects.length);
  console.log(`${accepted.size} of ${MESSAGES} messages got 250 through ${kills} kills; ${subjects.length} are in the Inbox`);
}, 180_000);

/** One message on a connection of its own; tries again only while nothing listens. False when no 250 came. */
async function trySend(number: number): Promise<boolean> {
  try {
    const smtp = await until('the receiver to listen', () => openSmtp(posthouse).catch(() => null));
    try {
      await smtp.send('a@sender.test', ['me@example.test'], Buffer.from(`Subject: ${subjectOf(number)}\r\n\r\n${'x'.repeat(2000)}\r\n`));
      return true;
    } finally {
      smtp.close();
    }
  } catch {
    return false;
  }
}

async function listSubjects(): Promise<string[]> {
  const imap = await until('a login', () => openImap(posthouse).catch(() => null));
  try {
    await imap.mailboxOpen('INBOX');
    const subjects: string[] = [];
    for await (const message of imap.fetch('1:*', { envelope: true })) subjects.push(message.envelope?.subject ?? '');
    return subjects;
  } finally {
    imap.close();
  }
}

function subjectOf(number: number): string {
  return `message ${number}`;
}

/** Ten different message numbers, not too close to the end. */
function randomMoments(): number[] {
  const moments = new Set<number>();
  while (moments.size < KILLS) moments.add(Math.floor(Math.random() * (MESSAGES - 20)));
  return [...moments];
}
