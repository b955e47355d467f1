/** `posthouse receiver …`: the VPS processes that may deposit mail, each with a key of its own. */
import { randomBytes } from 'node:crypto';
import type { AdminEdge } from '../edge-admin.ts';
import { type Command, Failure } from './command.ts';
import { formatTime } from './terminal.ts';

const KEY_OCTETS = 32;

const add: Command = {
  words: ['NAME'],
  summary: 'Registers a receiver and prints its key, once.',
  details: 'The line it prints goes into the file that POSTHOUSE_RECEIVER_KEY_FILE names on the VPS.',
  options: { hostname: { type: 'string', value: 'HOST', help: 'Its public host name, the MX; MTA-STS policies name it.' } },
  async run({ words: [name = ''], value, installation, terminal }) {
    const key = randomBytes(KEY_OCTETS).toString('hex');
    const { id } = await installation.admin().addReceiver(name, value('hostname') ?? null, key);
    terminal.note(`Receiver ${name} is registered. Its key is not shown again:`);
    terminal.print(`${id}:${key}`);
  },
};

const list: Command = {
  words: [],
  summary: 'Lists the receivers, revoked ones too.',
  async run({ installation, terminal }) {
    const receivers = await installation.admin().receivers();
    const rows = receivers.map(({ id, name, hostname, createdAt, revokedAt }) => [
      String(id),
      name,
      hostname ?? '-',
      formatTime(createdAt),
      formatTime(revokedAt),
    ]);
    terminal.table(['id', 'name', 'host', 'since', 'revoked'], rows, 'There are no receivers yet: posthouse receiver add NAME');
  },
};

const revoke: Command = {
  words: ['RECEIVER'],
  summary: 'Revokes a receiver: its key and the logins made through it count for nothing from now on.',
  details: 'RECEIVER is its name or id.',
  async run({ words: [receiver = ''], installation, terminal }) {
    const admin = installation.admin();
    await admin.revokeReceiver(/^\d{1,15}$/.test(receiver) ? Number(receiver) : await idOf(admin, receiver));
    terminal.note(`Receiver ${receiver} is revoked.`);
  },
};

async function idOf(admin: AdminEdge, name: string): Promise<number> {
  const found = (await admin.receivers()).find((receiver) => receiver.name === name && receiver.revokedAt === null);
  if (found) return found.id;
  throw new Failure(`There is no live receiver of this name: ${name}. "posthouse receiver list" shows those there are.`);
}

export const receiverCommands: Record<string, Command> = { add, list, revoke };
