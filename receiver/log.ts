/**
 * The receiver's log: one line an event, `time level event key=value …`, for a person at a terminal and for
 * journald alike. Addresses and ids are logged, message content and credentials never are.
 */

export interface Log {
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}

/** A value longer than this is cut: log lines must not carry what a stranger sent without bound. */
const VALUE_MAX = 300;

/** A log that writes whole lines through `write` (standard error by default). */
export function makeLog(write: (line: string) => void = (line) => process.stderr.write(line)): Log {
  const at =
    (level: string) =>
    (event: string, fields: Record<string, unknown> = {}) =>
      write(`${new Date().toISOString()} ${level} ${event}${formatFields(fields)}\n`);
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** A log that keeps nothing, for tests that do not look at it. */
export const silentLog: Log = { info() {}, warn() {}, error() {} };

function formatFields(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${formatValue(value)}`)
    .join('');
}

/** Control characters are escaped by JSON, so no field can forge a second line. */
function formatValue(value: unknown): string {
  const text = value instanceof Error ? value.message : typeof value === 'string' ? value : String(JSON.stringify(value));
  const cut = text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX)}…` : text;
  return /^[\w.:@/+-]+$/.test(cut) ? cut : JSON.stringify(cut);
}
