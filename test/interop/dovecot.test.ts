/** ENVELOPE and BODYSTRUCTURE of the whole data set, ours and Dovecot's: equal, or explained in `dovecot-differences.ts`. */
import { describe, expect, test } from 'vitest';
import { dovecot, PASSWORD } from '../bench/peers/dovecot.ts';
import { startPeer, stopPeer } from '../bench/peers/peer.ts';
import { loadDataset, type RealMessage } from '../support/dataset.ts';
import { ImapClient } from '../support/imap-client.ts';
import { type ImapValue, readValues } from '../support/imap-values.ts';
import { startPosthouse } from '../support/posthouse.ts';
import { EXPLAINED } from './dovecot-differences.ts';
import { appendAll } from './filling.ts';
import { isInstalled } from './programs.ts';
import { differences, type Facts } from './structures.ts';

const USER = 'me@example.test';

describe.runIf(isInstalled('dovecot'))('Dovecot', () => {
  test('and we describe every message of the data set alike, but for what is explained', { timeout: 900_000 }, async () => {
    const messages = await loadDataset();
    expect(messages.length).toBe(6046);
    const ours = await describedByUs(messages);
    const theirs = await describedByDovecot(messages);
    const found = messages.flatMap(({ name }, index) => {
      const [a, b] = [ours[index], theirs[index]];
      if (!a || !b) throw new Error(`${name} was not fetched`);
      return differences(a, b).map((field) => `${name} ${field}`);
    });
    expect(found.sort()).toEqual(EXPLAINED.flatMap(({ where }) => where).sort());
  });
});

async function describedByUs(messages: readonly RealMessage[]): Promise<Facts[]> {
  const posthouse = await startPosthouse();
  try {
    return await describeAll(posthouse.ready.imap, posthouse.ready.accounts[0]?.password ?? '', messages);
  } finally {
    await posthouse.dispose();
  }
}

async function describedByDovecot(messages: readonly RealMessage[]): Promise<Facts[]> {
  const peer = await startPeer(dovecot);
  try {
    return await describeAll(peer.port, PASSWORD, messages);
  } finally {
    await stopPeer(peer);
  }
}

/** Appends all and asks for their facts, in their order. */
async function describeAll(port: number, password: string, messages: readonly RealMessage[]): Promise<Facts[]> {
  const client = await ImapClient.logIn(port, USER, password);
  await appendAll(client, 'INBOX', messages);
  await client.command('SELECT INBOX');
  const { untagged } = await client.command('FETCH 1:* (ENVELOPE BODYSTRUCTURE)');
  client.close();
  const facts: Facts[] = [];
  for (const line of untagged.filter((response) => /^\* \d+ FETCH /.test(response))) {
    const [sequence, , items] = readValues(line.slice(2));
    if (Array.isArray(items)) facts[Number(sequence) - 1] = { envelope: item(items, 'ENVELOPE'), structure: item(items, 'BODYSTRUCTURE') };
  }
  return facts;
}

function item(items: ImapValue[], name: string): ImapValue[] {
  const value = items[items.indexOf(name) + 1];
  if (!Array.isArray(value)) throw new Error(`a FETCH without ${name}`);
  return value;
}
