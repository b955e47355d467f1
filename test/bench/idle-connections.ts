/** What a connection costs that waits in IDLE (RFC 2177), as most of a mail server's do: plain, and with TLS, whose socket Node pays for. */
import { AdminEdge } from '../../receiver/edge-admin.ts';
import type { Posthouse } from '../support/posthouse.ts';
import { receiverPid } from '../support/processes.ts';
import type { Figure } from './figures.ts';
import { ImapConnection } from './imap-connection.ts';
import { RECIPIENT } from './world.ts';

/** The receiver takes 50 of one user. */
const PER_ACCOUNT = 48;
/** Logins under way at once. */
const WIDTH = 8;
const PASSWORD = 'idle-connections-demo';
const KIB = 1024;
/** Of one connection, plain or with TLS. */
const BUDGET_KB = 50;

/**
 * `steady`: megabytes once memory has stopped moving. Each time with a receiver that has done nothing before, for garbage of earlier work
 * would make room for what is counted; mirrors and code are in memory before the first is counted.
 */
export async function idleConnections(posthouse: Posthouse, accounts: number, steady: (pid: number) => Promise<number>): Promise<Figure[]> {
  const addresses = await addAccounts(posthouse, accounts);
  const figures: Figure[] = [];
  for (const secure of [false, true]) {
    await posthouse.stop();
    await posthouse.start();
    const pid = await receiverPid(posthouse);
    const first = await openAll(posthouse, addresses, secure);
    const before = await steady(pid);
    const all = await openAll(
      posthouse,
      addresses.flatMap((address) => new Array<string>(PER_ACCOUNT).fill(address)),
      secure,
    );
    const each = (((await steady(pid)) - before) * KIB) / all.length;
    figures.push({
      what: `one of ${all.length} connections in IDLE, ${secure ? 'TLS' : 'plain'}`,
      ours: each,
      unit: 'KB',
      budget: BUDGET_KB,
    });
    for (const imap of [...first, ...all]) imap.close();
  }
  return figures;
}

async function addAccounts({ ready }: Posthouse, count: number): Promise<string[]> {
  const admin = new AdminEdge({ url: ready.http, token: ready.adminToken });
  const domain = RECIPIENT.slice(RECIPIENT.indexOf('@'));
  const addresses = Array.from({ length: count }, (_value, number) => `idle-${number}${domain}`);
  for (const address of addresses) await admin.addAccount(address, PASSWORD);
  return addresses;
}

async function openAll({ ready }: Posthouse, addresses: readonly string[], secure: boolean): Promise<ImapConnection[]> {
  const open: ImapConnection[] = [];
  const waiting = [...addresses];
  const work = async () => {
    for (let address = waiting.pop(); address; address = waiting.pop()) {
      const imap = await ImapConnection.open(secure ? ready.imaps : ready.imap, secure);
      await imap.logIn(address, PASSWORD);
      await imap.command('SELECT INBOX');
      await imap.idle();
      open.push(imap);
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, work));
  return open;
}
