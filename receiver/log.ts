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

/** What JSON leaves as it is and a terminal may act on: DEL and C1 controls, line separators, marks that turn text round. */
const TERMINAL_CONTROLS = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Control characters are escaped, by JSON and here, so no field can forge a second line or write to the terminal. */
function formatValue(value: unknown): string {
  const text = value instanceof Error ? value.message : typeof value === 'string' ? value : String(JSON.stringify(value));
  const cut = text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX)}…` : text;
  if (/^[\w.:@/+-]+$/.test(cut)) return cut;
  return JSON.stringify(cut).replace(TERMINAL_CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
