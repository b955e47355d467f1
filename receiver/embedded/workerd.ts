/**
 * The Worker on this machine: the same workerd that Cloudflare runs, with local D1, R2, Queue and Durable
 * Object kept under `$POSTHOUSE_HOME/edge`, configured by wrangler.toml and nothing else. Started through
 * Miniflare's API: `wrangler dev` puts a proxy in front that costs half the throughput.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, type DispatchFetch, Log, LogLevel, Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } from 'wrangler';
import type { Log as ReceiverLog } from '../log.ts';
import { pendingMigrations } from './migrations.ts';
import { ROOT } from './root.ts';

/** How often the cron of wrangler.toml fires; workerd on this machine has no clock of its own. */
const CRON_INTERVAL_MS = 60_000;

type ServiceBinding = (request: Request) => Promise<Response>;

export interface LocalEdge {
  /** `http://127.0.0.1:8787` */
  url: string;
  fetch: DispatchFetch;
  /** Runs the scheduled handler once. */
  cron(): Promise<void>;
  close(): Promise<void>;
}

export interface LocalEdgeOptions {
  /** Folder for D1, R2 and the rest. */
  storage: string;
  host: string;
  port: number;
  /** Variables of `workers/env.ts`. */
  variables: Record<string, string>;
  services: Record<string, ServiceBinding>;
  log: ReceiverLog;
  /** Where V8's inspector of the Worker listens, on loopback; nowhere when absent. The bench profiles through it. */
  inspectorPort?: number;
}

/** Builds the Worker, applies the migrations and starts serving. */
export async function startLocalEdge(options: LocalEdgeOptions): Promise<LocalEdge> {
  const script = path.join(options.storage, 'worker/index.js');
  await bundle(script);
  const miniflare = new Miniflare(miniflareOptions(options, script));
  const url = (await miniflare.ready).origin;
  await migrate(miniflare, options.log);
  const worker = await miniflare.getWorker();
  const cron = async () => {
    await worker.scheduled({ cron: '* * * * *' });
  };
  const tick = () => cron().catch((error) => options.log.warn('cron.failed', { reason: error }));
  const timer = setInterval(tick, CRON_INTERVAL_MS);
  // What fell due while it was stopped leaves now, not at the next minute.
  void tick();
  return {
    url,
    fetch: miniflare.dispatchFetch,
    cron,
    async close() {
      clearInterval(timer);
      await miniflare.dispose();
    },
  };
}

async function bundle(outfile: string): Promise<void> {
  await build({
    entryPoints: [path.join(ROOT, 'workers/index.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2024',
    outfile,
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    sourcemap: 'linked',
    logLevel: 'error',
  });
}

function miniflareOptions({ storage, host, port, variables, services, log, inspectorPort }: LocalEdgeOptions, script: string) {
  const { modulesRules: _, ...worker } = unstable_getMiniflareWorkerOptions(path.join(ROOT, 'wrangler.toml')).workerOptions;
  const declared = worker as { bindings?: object; serviceBindings?: object; r2Buckets?: Record<string, unknown> };
  return convertV4MiniflareOptions({
    host,
    port,
    inspectorPort,
    resourcePersistencePath: path.join(storage, 'state'),
    log: new Log(LogLevel.ERROR),
    logRequests: false,
    telemetry: { enabled: false },
    handleStructuredLogs: ({ level, message }: { level: string; message: string }) =>
      log[level === 'error' ? 'error' : 'info']('edge', { message }),
    workers: [
      {
        ...worker,
        name: 'posthouse',
        rootPath: ROOT,
        modules: [{ type: 'ESModule', path: script }],
        modulesRoot: path.dirname(script),
        bindings: { ...declared.bindings, ...variables },
        serviceBindings: { ...declared.serviceBindings, ...services },
        r2Buckets: secretBuckets(Object.keys(declared.r2Buckets ?? {}), variables.PEPPER ?? ''),
      },
    ],
  } as unknown as Parameters<typeof convertV4MiniflareOptions>[0]);
}

/**
 * Miniflare serves every bucket at `/cdn-cgi/local/r2/public/<name>/<key>` to whoever asks, and has no switch against it. So
 * here their names are secrets of this home.
 */
function secretBuckets(bindings: string[], pepper: string): Record<string, { id: string }> {
  const idOf = (binding: string) => createHash('sha256').update(`bucket\n${binding}\n${pepper}`).digest('hex').slice(0, 48);
  return Object.fromEntries(bindings.map((binding) => [binding, { id: `local-${idOf(binding)}` }]));
}

async function migrate(miniflare: Miniflare, log: ReceiverLog): Promise<void> {
  for (const [binding, folder] of [
    ['DIRECTORY', 'directory'],
    ['MAIL_0', 'mail'],
  ] as const) {
    const database = await miniflare.getD1Database(binding);
    for (const migration of await pendingMigrations(database, path.join(ROOT, 'workers/migrations', folder))) {
      const statements = unstable_splitSqlQuery(migration.sql).map((sql) => database.prepare(sql));
      await database.batch([...statements, migration.mark]);
      log.info('edge.migrated', { database: binding, migration: migration.name });
    }
  }
}
