/**
 * Several clients in one mailbox over real connections (RFC 9051 §5.2, §7.5.1). Each keeps a picture made of nothing but the
 * untagged responses it got; after each NOOP the picture must be the mailbox, and no EXPUNGE may come where it must not.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Answer, ImapClient } from '../../support/imap-client.ts';
import { startTestServer } from '../../support/imap-server.ts';

interface Known {
  uid: number;
  flags: string;
}

/** A client that believes what it is told. */
class Picture {
  readonly client: ImapClient;
  messages: (Known | null)[] = [];

  constructor(client: ImapClient) {
    this.client = client;
  }

  async select(): Promise<void> {
    this.apply(await this.client.command('SELECT INBOX'), true);
    await this.learn();
  }

  /** Asks for what is not known yet, as clients do after EXISTS. */
  async learn(): Promise<void> {
    while (this.messages.includes(null))
      this.apply(await this.client.command(`FETCH ${this.messages.indexOf(null) + 1}:* (UID FLAGS)`), false);
  }

  apply(answer: Answer, mayExpunge: boolean): void {
    expect(answer.status).toBe('OK');
    for (const line of answer.untagged) this.#applyLine(line, mayExpunge);
  }

  #applyLine(line: string, mayExpunge: boolean): void {
    const [, number = '', kind, rest = ''] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)(?: (.*))?$/.exec(line) ?? [];
    if (kind === 'EXISTS') {
      expect(Number(number)).toBeGreaterThanOrEqual(this.messages.length);
      while (this.messages.length < Number(number)) this.messages.push(null);
    } else if (kind === 'EXPUNGE') {
      expect(mayExpunge).toBe(true);
      expect(this.messages.length).toBeGreaterThanOrEqual(Number(number));
      this.messages.splice(Number(number) - 1, 1);
    } else if (kind === 'FETCH') this.#learnFlags(Number(number) - 1, rest);
  }

  #learnFlags(index: number, items: string): void {
    const flags = /FLAGS (\([^)]*\))/.exec(items)?.[1] ?? '';
    const uid = Number(/UID (\d+)/.exec(items)?.[1] ?? 0);
    const known = this.messages[index];
    expect(index).toBeLessThan(this.messages.length);
    if (known) {
      if (uid > 0) expect(uid).toBe(known.uid);
      known.flags = flags;
    } else if (uid > 0) this.messages[index] = { uid, flags };
  }
}

const CLIENTS = 3;
const step = fc.record({
  who: fc.nat(CLIENTS - 1),
  what: fc.constantFrom(
    'append',
    'delete',
    'flag',
    'unflag',
    'silent',
    'expunge',
    'uidExpunge',
    'fetch',
    'search',
    'noop',
    'idle',
    'move',
    'copy',
  ),
  which: fc.nat(30),
});

test('every client that believes what it is told sees the mailbox as it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const server = await startTestServer();
      try {
        const pictures: Picture[] = [];
        for (let count = 0; count < CLIENTS; count += 1) pictures.push(new Picture(await ImapClient.logIn(server.imap)));
        for (let count = 0; count < 4; count += 1) await pictures[0]?.client.append('INBOX', `Subject: ${count}\r\n\r\n`);
        for (const picture of pictures) await picture.select();
        for (const { who, what, which } of steps) {
          const picture = pictures[who];
          if (picture) await act(picture, what, which);
        }
        for (const picture of pictures) {
          picture.apply(await picture.client.command('NOOP'), true);
          await picture.learn();
        }
        const inbox = server.account.byName('INBOX');
        const truth = inbox.placements.map((placement) => ({ uid: placement.uid, flags: server.account.flagsOf(placement).text }));
        for (const picture of pictures) expect(picture.messages).toEqual(truth);
        expect(server.defects).toEqual([]);
        for (const { client } of pictures) client.close();
      } finally {
        await server.close();
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);

async function act(picture: Picture, what: string, which: number): Promise<void> {
  const { client, messages } = picture;
  const number = messages.length === 0 ? 0 : (which % messages.length) + 1;
  const uid = messages[number - 1]?.uid;
  const numbered: Record<string, string> = {
    delete: `STORE ${number} +FLAGS (\\Deleted)`,
    flag: `STORE ${number}:* +FLAGS (\\Flagged)`,
    unflag: `UID STORE ${uid} -FLAGS (\\Flagged \\Deleted)`,
    fetch: `FETCH 1:${number} (FLAGS UID)`,
    move: `MOVE ${number} Archive`,
    copy: `UID COPY ${uid} INBOX`,
    uidExpunge: `UID EXPUNGE ${uid}`,
  };
  if (what === 'append') picture.apply(await client.append('INBOX', 'x'), true);
  else if (what === 'idle') await idle(picture);
  else if (what === 'silent') await silently(picture, number);
  else if (numbered[what]) {
    if (uid === undefined) return;
    picture.apply(await client.command(numbered[what]), !['delete', 'flag', 'fetch'].includes(what));
  } else picture.apply(await client.command(what === 'search' ? 'SEARCH ALL' : what), what !== 'search');
}

/** A silent STORE: the client works out the flags itself, unless it is told others. */
async function silently(picture: Picture, number: number): Promise<void> {
  const known = picture.messages[number - 1];
  if (!known) return;
  const flags = new Set(known.flags.slice(1, -1).split(' ').filter(Boolean)).add('\\Seen');
  const answer = await picture.client.command(`STORE ${number} +FLAGS.SILENT (\\Seen)`);
  if (!answer.code.startsWith('EXPUNGEISSUED')) known.flags = `(${[...flags].sort(byKeyword).join(' ')})`;
  picture.apply(answer, false);
}

/** The order in which the store lists flags: `\Deleted` first, then by keyword. */
function byKeyword(a: string, b: string): number {
  const key = (flag: string) => (flag === '\\Deleted' ? '' : flag.replace('\\', '$').toLowerCase());
  return key(a) < key(b) ? -1 : 1;
}

async function idle(picture: Picture): Promise<void> {
  const tag = picture.client.nextTag();
  picture.client.send(`${tag} IDLE\r\n`);
  expect(await picture.client.line()).toBe('+ idling');
  picture.client.send('DONE\r\n');
  picture.apply(await picture.client.completion(tag), true);
}
