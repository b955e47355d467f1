/**
 * `npm start`: the whole product on this machine. A supervisor for two processes, the local edge and the receiver,
 * with a demo world in between; it writes `ready.json`, says where everything listens, and waits for Ctrl-C.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildReceiver } from '../build.ts';
import { type Ports, SettingError } from '../config.ts';
import { makeLog } from '../log.ts';
import { ensureLocalCertificate, type LocalCertificate } from '../tls/local-ca.ts';
import { type Child, startChild } from './child.ts';
import type { LocalEdgeReady, LocalEdgeSettings } from './edge-main.ts';
import { greeting } from './greeting.ts';
import { clearLeftovers, endLeftovers, isRunning } from './processes.ts';
import { ensureSecrets, type Secrets } from './secrets.ts';
import { type EmbeddedSettings, readEmbeddedSettings } from './settings.ts';
import { ensureWebmail } from './webmail.ts';
import { DEMO_ACCOUNTS, DEMO_PASSWORD, ensureWorld, retireDemoPassword } from './world.ts';

const SCRIPTS = { supervisor: 'receiver/embedded/start.ts', edge: 'receiver/embedded/edge-main.ts', receiver: 'dist/receiver/main.js' };

/** Pids of a running home, kept in `run.json` so that the next start finds what a killed one left. */
interface RunFile {
  supervisor: number;
  children: number[];
}

const LOOPBACK = '127.0.0.1';

const log = makeLog();

async function run(settings: EmbeddedSettings): Promise<void> {
  await mkdir(settings.home, { recursive: true, mode: 0o700 });
  // A folder that was there before may be open to all, and mail lies in it.
  await chmod(settings.home, 0o700);
  const runFile = path.join(settings.home, 'run.json');
  await takeOver(runFile, settings.home);
  const addresses = DEMO_ACCOUNTS.map(({ address }) => address);
  const [secrets, certificate] = await Promise.all([
    ensureSecrets(settings.home, addresses),
    ensureLocalCertificate(path.join(settings.home, 'tls'), ['localhost', '127.0.0.1', '::1', settings.hostname]),
    ensureWebmail(),
    buildReceiver(),
  ]);
  let receiver: Child<Ports> | undefined;
  let workerd: number[] = [];
  let edge: Child<LocalEdgeReady> | undefined;
  let noted = Promise.resolve();
  const note = () => {
    const children = [edge?.pid(), receiver?.pid(), ...workerd].filter((pid) => pid !== undefined);
    noted = noted.then(() => writeWhole(runFile, { supervisor: process.pid, children } satisfies RunFile));
    return noted;
  };
  edge = await startEdge(settings, secrets, (ready) => {
    workerd = ready.workerd;
    note();
  });
  const id = await ensureWorld(edge.ready.url, secrets, settings.hostname);
  if (settings.isReachable) await retireDemoPassword(edge.ready.url, settings.home, secrets);
  receiver = await startReceiver(settings, secrets, certificate, edge.ready.url, id, note);
  await note();
  await writeWhole(path.join(settings.home, 'ready.json'), readyFile(edge.ready.url, receiver.ready, certificate, secrets));
  process.stdout.write(greeting(settings.home, edge.ready.url, receiver.ready, demoPassword(secrets)));
  stopOnSignal(settings.home, [receiver, edge]);
}

/** Refuses to start twice in one home; waits for what a killed start left behind. */
async function takeOver(runFile: string, home: string): Promise<void> {
  const known = await readFile(runFile, 'utf8').then(
    (text) => JSON.parse(text) as RunFile,
    () => null,
  );
  if (!known) return;
  if (known.supervisor !== process.pid && isRunning(known.supervisor, SCRIPTS.supervisor)) {
    throw new SettingError(
      `it already runs in ${home} (process ${known.supervisor}): stop that one, or set POSTHOUSE_HOME to another folder`,
    );
  }
  await clearLeftovers(known.children, [SCRIPTS.edge, SCRIPTS.receiver, 'workerd']);
}

function startEdge(settings: EmbeddedSettings, secrets: Secrets, onReady: (ready: LocalEdgeReady) => void): Promise<Child<LocalEdgeReady>> {
  const local: LocalEdgeSettings = {
    home: settings.home,
    // Clear-text HTTP, so only here whatever POSTHOUSE_LISTEN says; browsers take its cookie from nowhere else either.
    host: LOOPBACK,
    port: settings.http,
    variables: {
      ADMIN_TOKEN_SHA256: createHash('sha256').update(secrets.adminToken).digest('hex'),
      PEPPER: secrets.pepper,
      MESSAGE_SIZE_LIMIT: String(settings.messageSizeLimit),
      // The local edge has no limit on what one request asks of it, as the free plan in wrangler.toml has.
      MESSAGES_PER_REQUEST: '',
      MX_HOSTS: settings.hostname,
    },
  };
  const variable = (port: number) => ({ POSTHOUSE_LOCAL_EDGE: JSON.stringify({ ...local, port }) });
  let workerd: number[] = [];
  return startChild<LocalEdgeReady>({
    name: 'edge',
    script: SCRIPTS.edge,
    env: variable(settings.http),
    keep: (ready) => variable(Number(new URL(ready.url).port)),
    cleanUp: () => endLeftovers(workerd, 'workerd'),
    onReady: (ready) => {
      workerd = ready.workerd;
      onReady(ready);
    },
    log,
  });
}

async function startReceiver(
  settings: EmbeddedSettings,
  secrets: Secrets,
  certificate: LocalCertificate,
  edge: string,
  id: number,
  onReady: () => void,
): Promise<Child<Ports>> {
  const keyFile = path.join(settings.home, 'receiver.key');
  await writeFile(keyFile, `${id}:${secrets.receiverKey}\n`, { mode: 0o600 });
  const env = {
    POSTHOUSE_HOME: settings.home,
    POSTHOUSE_LISTEN: settings.listen,
    POSTHOUSE_HOSTNAME: settings.hostname,
    POSTHOUSE_EDGE: edge,
    POSTHOUSE_RECEIVER_KEY_FILE: keyFile,
    POSTHOUSE_TLS_CERT: process.env.POSTHOUSE_TLS_CERT ?? certificate.certificate,
    POSTHOUSE_TLS_KEY: process.env.POSTHOUSE_TLS_KEY ?? certificate.key,
    POSTHOUSE_MESSAGE_SIZE_LIMIT: String(settings.messageSizeLimit),
  };
  return startChild<Ports>({
    name: 'receiver',
    script: SCRIPTS.receiver,
    env: { ...env, ...portVariables(settings.ports) },
    keep: portVariables,
    onReady,
    log,
  });
}

function portVariables(ports: Ports): Record<string, string> {
  return Object.fromEntries(Object.entries(ports).map(([name, port]) => [`POSTHOUSE_${name.toUpperCase()}_PORT`, String(port)]));
}

function readyFile(http: string, ports: Ports, certificate: LocalCertificate, secrets: Secrets) {
  return {
    http,
    ...ports,
    pid: process.pid,
    ca: certificate.ca,
    adminToken: secrets.adminToken,
    accounts: DEMO_ACCOUNTS.map(({ address }) => ({
      address,
      password: demoPassword(secrets),
      appPassword: secrets.appPasswords[address],
    })),
  };
}

function demoPassword(secrets: Secrets): string {
  return secrets.demoPassword ?? DEMO_PASSWORD;
}

/** The receiver first: what it holds can still reach the edge. */
function stopOnSignal(home: string, children: Child<unknown>[]): void {
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    for (const child of children) await child.stop();
    await Promise.all(['ready.json', 'run.json'].map((name) => rm(path.join(home, name), { force: true })));
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
}

async function writeWhole(file: string, content: object): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

try {
  await run(readEmbeddedSettings(process.env));
} catch (error) {
  console.error(`posthouse: ${error instanceof SettingError || error instanceof Error ? error.message : error}`);
  process.exit(1);
}
