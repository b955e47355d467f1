/** The transcripts against the mirror: its answers are those of the memory session. */
import { DEFAULT_MAILBOXES } from '../../../shared/roles.ts';
import { PASSWORD, USER } from '../../support/imap-server.ts';
import type { StagedStore, Way } from '../../support/stage.ts';
import { testTranscripts } from '../../support/staged-transcripts.ts';
import { makeWorld, type World } from './harness.ts';

function stagedMirror(): StagedStore {
  const world = makeWorld();
  const { account, bridge } = world;
  for (const { name, role } of DEFAULT_MAILBOXES.slice(1)) account.createMailbox(name, { role, subscribed: true });
  const { backend } = world.mirrors;
  const isUser = (username: string | null, password: string) => username === USER && password === PASSWORD;
  return {
    backend: {
      ...backend,
      login: async (username, password, connection) => (isUser(username, password) ? backend.login('user1', 'right', connection) : null),
      bearer: async (username, token, connection) => (isUser(username, token) ? backend.login('user1', 'right', connection) : null),
    },
    way: (way) => makeWay(world, way),
    quota: (octets) => {
      account.quota = octets;
    },
    annotations: (count) => {
      account.metadataMax = count;
    },
    deliver: (message) => void account.deliver(account.inbox, { raw: message }),
    revoke: () => bridge.endLogins(),
  };
}

let release = (): void => {};

function makeWay({ bridge }: World, way: Way): void {
  release();
  const held = way === 'held' && new Promise<void>((resolve) => (release = resolve));
  bridge.away = way === 'away';
  if (bridge.away) bridge.cutPushes();
  bridge.gate = async (call) => {
    if (call !== 'commit') return;
    if (held) await held;
    if (way === 'broken') throw new TypeError('broken on purpose');
  };
}

testTranscripts('the mirror', stagedMirror);
