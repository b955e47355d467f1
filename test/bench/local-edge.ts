/**
 * The Worker alone in workerd, with the demo world and without a receiver, and V8's profiler on the Worker's own isolate: what
 * D1, R2 and the HTTP server spend runs elsewhere in workerd and is not in the profile, as Cloudflare does not bill it.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';
import { listProcesses } from '../../receiver/embedded/processes.ts';
import { ensureSecrets } from '../../receiver/embedded/secrets.ts';
import { startLocalEdge } from '../../receiver/embedded/workerd.ts';
import { DEMO_ACCOUNTS, DEMO_PASSWORD, ensureWorld } from '../../receiver/embedded/world.ts';
import { silentLog } from '../../receiver/log.ts';
import { fromHex } from '../../shared/signing.ts';
import { freePort } from './ports.ts';

const HOSTNAME = 'mail.example.test';
/** Microseconds between two looks of the profiler. */
const SAMPLING_US = 100;

export interface LocalEdge {
  url: string;
  receiver: { id: number; key: Uint8Array };
  account: { address: string; password: string };
  /** workerd's own process. */
  pid: number;
  /** Runs `work` and answers what the Worker's isolate did meanwhile. */
  profile(work: () => Promise<unknown>): Promise<Profile>;
  close(): Promise<void>;
}

/** Of the Chrome DevTools Protocol, `Profiler.stop`. Times in microseconds of the machine's monotonic clock. */
export interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number }; children?: number[] }[];
  startTime: number;
  endTime: number;
  samples: number[];
  timeDeltas: number[];
}

export async function startEdgeAlone(): Promise<LocalEdge> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'posthouse-edge-'));
  const secrets = await ensureSecrets(
    home,
    DEMO_ACCOUNTS.map(({ address }) => address),
  );
  const inspectorPort = await freePort();
  const edge = await startLocalEdge({
    storage: home,
    host: '127.0.0.1',
    port: 0,
    inspectorPort,
    variables: {
      ADMIN_TOKEN_SHA256: createHash('sha256').update(secrets.adminToken).digest('hex'),
      PEPPER: secrets.pepper,
      MX_HOSTS: HOSTNAME,
    },
    services: { FILE_RELAY: async () => new Response('no mail leaves a bench', { status: 503 }) },
    log: silentLog,
  });
  const id = await ensureWorld(edge.url, secrets, HOSTNAME);
  const workerd = listProcesses().find(({ parent, command }) => parent === process.pid && command.includes('workerd'));
  return {
    url: edge.url,
    receiver: { id, key: fromHex(secrets.receiverKey) },
    account: { address: DEMO_ACCOUNTS[0]?.address ?? '', password: DEMO_PASSWORD },
    pid: workerd?.pid ?? 0,
    profile: (work) => profileWorker(inspectorPort, work),
    async close() {
      await edge.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function profileWorker(port: number, work: () => Promise<unknown>): Promise<Profile> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/core:user:posthouse`);
  await once(socket, 'open');
  // Nobody else would tell whoever waits for an answer.
  const gone = once(socket, 'close').then(() => {
    throw new Error('the inspector went away');
  });
  try {
    return await Promise.race([profileThrough(socket, work), gone]);
  } finally {
    gone.catch(() => {});
    socket.close();
  }
}

async function profileThrough(socket: WebSocket, work: () => Promise<unknown>): Promise<Profile> {
  let last = 0;
  const call = async (method: string, params: object = {}) => {
    const id = ++last;
    socket.send(JSON.stringify({ id, method, params }));
    for (;;) {
      const [text] = (await once(socket, 'message')) as [Buffer];
      const answer = JSON.parse(String(text)) as { id?: number; result?: unknown; error?: { message: string } };
      if (answer.error) throw new Error(`the inspector answered ${method}: ${answer.error.message}`);
      if (answer.id === id) return answer.result;
    }
  };
  await call('Profiler.enable');
  await call('Profiler.setSamplingInterval', { interval: SAMPLING_US });
  await call('Profiler.start');
  await work();
  const { profile } = (await call('Profiler.stop')) as { profile: Profile };
  return profile;
}
