/**
 * The VPS process: SMTP and IMAP in, HTTPS out. It holds the spool and caches and nothing else; delete the
 * caches at any time, start a second one elsewhere and both serve the same mail (DESIGN.md, invariant 5).
 * `npm run receiver` starts it alone; `npm start` starts it beside a local edge and is told when it is ready.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Config, type Ports, readConfig, SettingError } from './config.ts';
import { Edge } from './edge.ts';
import { startImap } from './imap/server.ts';
import { type Log, makeLog } from './log.ts';
import { makeLogin } from './login.ts';
import { makeMetrics, serveMetrics } from './metrics.ts';
import { makeMirrors } from './mirror/index.ts';
import { startPop3 } from './pop3/server.ts';
import { startSmtp } from './smtp/server.ts';
import { openSpool } from './spool/spool.ts';
import { watchTlsFiles } from './tls/files.ts';

export interface RunningReceiver {
  /** Where it listens; free ports that were asked for with 0 are filled in. */
  ports: Ports;
  /** Stops taking work, finishes what it holds, closes. Safe to call twice. */
  close(): Promise<void>;
}

/** Starts every part, in the order in which they need each other. Throws when one cannot start. */
export async function startReceiver(config: Config, log: Log): Promise<RunningReceiver> {
  await mkdir(config.home, { recursive: true, mode: 0o700 });
  const edge = new Edge({
    url: config.edge,
    receiver: config.receiver.id,
    key: config.receiver.key,
    onClockSkew: (milliseconds) => log.error('clock.skew', { milliseconds, do: 'set this machine’s clock, e.g. with chrony' }),
  });
  const tls = watchTlsFiles(config.tls, log);
  const login = makeLogin(edge, { log });
  const metrics = makeMetrics();
  const spool = await openSpool({ folder: path.join(config.home, 'spool'), edge, log, metrics });
  const mirrors = makeMirrors({ home: config.home, edge, login, log });
  const smtp = await startSmtp({ config, edge, login, log, spool, tls, metrics });
  const { listen, hostname, messageSizeLimit, ports } = config;
  const jmapSession = new URL('/jmap/session', config.edge).href;
  const mail = { backend: mirrors.backend, hostname, messageSizeLimit, jmapSession };
  const imap = await startImap({ listen, ports, tls: () => tls.current(), ...mail, log });
  const pop3 = await startPop3({ listen, ports, tls: () => tls.current(), backend: mirrors.backend, hostname, log });
  const metricsServer = await serveMetrics(metrics, '127.0.0.1', config.ports.metrics);
  tls.onChange(() => {
    smtp.updateTls();
    imap.updateTls();
    pop3.updateTls();
  });
  const close = once(async () => {
    tls.close();
    await Promise.all([smtp.close(), imap.close(), pop3.close(), metricsServer.close()]);
    await Promise.all([spool.close(), mirrors.close()]);
    edge.close();
  });
  const bound = { ...smtp.ports, imap: imap.imap, imaps: imap.imaps, pop3: pop3.pop3, pop3s: pop3.pop3s, metrics: metricsServer.port };
  return { ports: bound, close };
}

function once<T>(act: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= act();
    return result;
  };
}

/** Runs until a signal, or until the parent that forked it is gone. */
async function run(): Promise<void> {
  const log = makeLog();
  const receiver = await startReceiver(readConfig(), log);
  log.info('receiver.ready', { ...receiver.ports });
  process.send?.({ ready: receiver.ports });
  const stop = (reason: string) => {
    log.info('receiver.stopping', { reason });
    receiver.close().then(
      () => process.exit(0),
      (error) => {
        log.error('receiver.stop-failed', { reason: error });
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(signal));
  process.once('disconnect', () => stop('the starting process is gone'));
  process.on('unhandledRejection', (error) => log.error('defect.unhandled', { reason: error instanceof Error ? error.stack : error }));
}

if (import.meta.main) {
  run().catch((error) => {
    console.error(error instanceof SettingError ? `posthouse: ${error.message}` : error);
    process.exitCode = 1;
  });
}
