/** What a client that guesses recipients is told, by the network it comes from. */
import type { SMTPServerSession } from 'smtp-server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { silentLog } from '../../../receiver/log.ts';
import { Incoming } from '../../../receiver/smtp/incoming.ts';
import { Recipients } from '../../../receiver/smtp/recipients.ts';
import { Reply } from '../../../receiver/smtp/reply.ts';
import { Dns } from '../../../receiver/verify/dns.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let door: Incoming;
const dns = new Dns({ server: '127.0.0.1:9', log: silentLog });

beforeAll(async () => {
  world = await startWorld();
  const recipients = new Recipients({ edge: world.edge });
  door = new Incoming({ hostname: 'mx.example.test', messageSizeLimit: 1024, recipients, spool: world.spool.folder, dns, log: silentLog });
});
afterAll(async () => {
  dns.close();
  await world.close();
});

/** The reply to RCPT TO from a client at this address. */
async function rcpt(address: string, remoteAddress: string): Promise<string> {
  const session = { remoteAddress, envelope: { smtpUtf8: false } } as unknown as SMTPServerSession;
  try {
    await door.rcptTo({ address, args: {} }, session);
    return '250';
  } catch (error) {
    return error instanceof Reply ? `${error.responseCode} ${error.message}` : String(error);
  }
}

it('after 30 unknown recipients in a minute its whole /64 hears 450, and the edge is not asked', async () => {
  for (let i = 0; i < 30; i++) expect(await rcpt(`x${i}@example.test`, `2001:db8::${i}`)).toMatch(/^550 5\.1\.1/);
  const calls = world.edge.calls.length;
  expect(await rcpt('x30@example.test', '2001:db8::30')).toMatch(/^450 4\.7\.1 too many unknown recipients/);
  expect(await rcpt('x30@elsewhere.test', '2001:db8::31')).toMatch(/^450 4\.7\.1/);
  expect(world.edge.calls).toHaveLength(calls);
  expect(await rcpt('me@example.test', '2001:db8:0:1::1')).toBe('250');
  expect(await rcpt('me@example.test', '2001:db8::1')).toBe('250');
  expect(await rcpt('postmaster', '2001:db8:0:1::1')).toBe('250');
});

it('relaying for a hundred recipients of one foreign domain is denied with one question', async () => {
  const calls = world.edge.calls.length;
  for (let i = 0; i < 100; i++) expect(await rcpt(`x${i}@foreign.test`, '192.0.2.7')).toMatch(/^550 5\.7\.1/);
  expect(world.edge.calls).toHaveLength(calls + 1);
});

it('this machine, which only hands on, is not counted', async () => {
  for (let i = 0; i < 40; i++) expect(await rcpt(`y${i}@example.test`, '127.0.0.1')).toMatch(/^550 5\.1\.1/);
});
