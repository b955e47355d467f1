/** The local edge's process: workerd, its cron and the `file` relay's folder, until told to stop. */
import path from 'node:path';
import { makeLog } from '../log.ts';
import { loopbackPush } from './loopback-push.ts';
import { listProcesses } from './processes.ts';
import { sentFolder } from './sent.ts';
import { startLocalEdge } from './workerd.ts';

/** What the supervisor passes in `POSTHOUSE_LOCAL_EDGE`, as JSON. */
export interface LocalEdgeSettings {
  home: string;
  host: string;
  port: number;
  variables: Record<string, string>;
}

export interface LocalEdgeReady {
  url: string;
  /** workerd's own process, which outlives this one when this one is killed. */
  workerd: number[];
}

async function run(settings: LocalEdgeSettings): Promise<void> {
  const log = makeLog();
  const edge = await startLocalEdge({
    storage: path.join(settings.home, 'edge'),
    host: settings.host,
    port: settings.port,
    variables: settings.variables,
    services: { FILE_RELAY: sentFolder(path.join(settings.home, 'sent')), LOOPBACK_PUSH: loopbackPush },
    log,
  });
  const workerd = listProcesses().filter(({ parent, command }) => parent === process.pid && command.includes('workerd'));
  process.send?.({ ready: { url: edge.url, workerd: workerd.map(({ pid }) => pid) } satisfies LocalEdgeReady });
  const stop = () =>
    edge.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) process.once(event, stop);
}

run(JSON.parse(process.env.POSTHOUSE_LOCAL_EDGE ?? '') as LocalEdgeSettings).catch((error) => {
  console.error(`posthouse: the local edge cannot start: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
});
