/**
 * Counters and gauges in the Prometheus text format, on their own loopback port. Gauges are functions,
 * asked when somebody looks, so nothing has to be kept up to date.
 */
import http from 'node:http';
import { listen } from './listen.ts';

export interface Metrics {
  /** Adds to a counter. `labels` is the finished label text, e.g. `result="stored"`. */
  count(name: string, labels?: string, by?: number): void;
  /** Registers a gauge. */
  gauge(name: string, read: () => number): void;
  /** The exposition, one line a series. */
  text(): string;
}

/** An empty registry; the process's own memory and age are in it from the start. */
export function makeMetrics(): Metrics {
  const counters = new Map<string, number>();
  const gauges = new Map<string, () => number>([
    ['posthouse_resident_memory_bytes', () => process.memoryUsage.rss()],
    ['posthouse_uptime_seconds', () => Math.round(process.uptime())],
  ]);
  return {
    count(name, labels = '', by = 1) {
      const series = labels ? `${name}{${labels}}` : name;
      counters.set(series, (counters.get(series) ?? 0) + by);
    },
    gauge(name, read) {
      gauges.set(name, read);
    },
    text() {
      const lines = [...counters].map(([series, value]) => `${series} ${value}`);
      for (const [name, read] of gauges) lines.push(`${name} ${read()}`);
      return `${lines.join('\n')}\n`;
    },
  };
}

/** Serves `GET /metrics`; answers the bound port. */
export async function serveMetrics(metrics: Metrics, host: string, port: number): Promise<{ port: number; close(): Promise<void> }> {
  const server = http.createServer((request, response) => {
    const found = request.method === 'GET' && request.url === '/metrics';
    response.writeHead(found ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(found ? metrics.text() : 'not found\n');
  });
  const bound = await listen(server, host, port);
  return {
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
