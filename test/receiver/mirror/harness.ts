/** What every mirror test needs: a fake edge, mirrors in a folder of their own, sessions, and waiting for conditions. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { SelectedMailbox, Session } from '../../../receiver/imap/session.ts';
import { type Log, silentLog } from '../../../receiver/log.ts';
import { type Mirrors, type MirrorsOptions, makeMirrors } from '../../../receiver/mirror/index.ts';
import type { FakeAccount } from '../../support/fake-account.ts';
import { FakeBridge } from '../../support/fake-bridge.ts';

export interface World {
  home: string;
  bridge: FakeBridge;
  account: FakeAccount;
  mirrors: Mirrors;
  /** A session whose first synchronisation has ended. */
  session(account?: number): Promise<Session>;
  /** Resolves when the push stands and nothing is under way, so that what comes next is the test's doing. */
  quiet(session: Session): Promise<void>;
  /** The same folder under another process's mirrors. */
  restart(options?: Partial<MirrorsOptions>): Promise<void>;
  log: { event: string; fields: Record<string, unknown> }[];
}

export function scratchFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'posthouse-mirror-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function makeWorld(options: Partial<MirrorsOptions> = {}): World {
  const home = scratchFolder();
  const bridge = new FakeBridge();
  const account = bridge.add(1);
  const entries: World['log'] = [];
  const note = (event: string, fields: Record<string, unknown> = {}) => void entries.push({ event, fields });
  const log: Log = { ...silentLog, info: note, warn: note, error: note };
  const start = (more: Partial<MirrorsOptions> = {}) =>
    makeMirrors({ home, edge: bridge, login: bridge.login, log, cacheBytes: 10_000_000, ...options, ...more });
  const world: World = {
    home,
    bridge,
    account,
    mirrors: start(),
    log: entries,
    session: async (id = 1) => {
      const session = await world.mirrors.backend.login(`user${id}`, 'right', { remoteAddress: '192.0.2.1' });
      if (!session) throw new Error('the login failed');
      await session.ready();
      return session;
    },
    quiet: async (session) => {
      await until(() => bridge.sockets.some(({ socket }) => socket.readyState === socket.OPEN));
      await session.refresh();
    },
    restart: async (more) => {
      await world.mirrors.close();
      world.mirrors = start(more);
    },
  };
  onTestFinished(() => world.mirrors.close());
  return world;
}

/** The mailbox of that name, selected. */
export function select(session: Session, name: string, readOnly = false): SelectedMailbox {
  const mailbox = session.find(name);
  if (!mailbox) throw new Error(`no mailbox ${name}`);
  return session.select(mailbox, readOnly);
}

/** Waits for a condition; fails after ten seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (const started = Date.now(); !condition(); ) {
    if (Date.now() - started > 10_000) throw new Error(`never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** What a session shows, in the form of `FakeAccount.picture`. */
export function picture(session: Session): Map<number, Map<number, string>> {
  return new Map(
    session.mailboxes().map((mailbox) => {
      const box = session.select(mailbox, true);
      const messages = [...box.uids()].map((uid) => [uid, [...(box.flags(uid)?.list ?? [])].sort().join(' ')] as const);
      box.close();
      return [Number(mailbox.id.slice(1)), new Map(messages)];
    }),
  );
}

/** Maps as plain objects, so that a failure is readable. */
export function plain(picture: Map<number, Map<number, string>>): Record<string, Record<string, string>> {
  return Object.fromEntries([...picture].sort(([a], [b]) => a - b).map(([id, uids]) => [id, Object.fromEntries(uids)]));
}

export function uidsOf(box: SelectedMailbox): number[] {
  return [...box.uids()];
}
