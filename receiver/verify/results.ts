/**
 * Our Authentication-Results field (RFC 8601): what was found, in words that only we choose. Domains and
 * selectors come from strangers' messages and DNS; they get in as tokens or quoted strings and cannot end
 * the field, the line or a comment.
 */
import type { AuthResult } from '../../shared/protocol.ts';

/** One method's result with its properties, e.g. `smtp.mailfrom` → `a@example.org`. */
export interface MethodResult {
  method: 'spf' | 'dkim' | 'dmarc' | 'arc';
  result: AuthResult;
  properties: [name: string, value: string][];
}

/** RFC 5322 §2.1.1 allows 998 octets a line; no domain, address or selector is longer than this. */
const VALUE_MAX = 320;

/** The whole field with its CRLF, one result a line. `none` when nothing was checked. */
export function formatResults(hostname: string, results: MethodResult[]): string {
  if (results.length === 0) return `Authentication-Results: ${hostname}; none\r\n`;
  const lines = results.map(({ method, result, properties }) => [`${method}=${result}`, ...properties.map(formatProperty)].join(' '));
  return `Authentication-Results: ${[hostname, ...lines].join(';\r\n\t')}\r\n`;
}

function formatProperty([name, value]: [string, string]): string {
  return `${name}=${formatValue(value)}`;
}

/** A token where it is one; else a quoted string of its printable ASCII (RFC 8601 §2.2 `pvalue`). */
export function formatValue(value: string): string {
  const cut = value.slice(0, VALUE_MAX);
  if (/^[A-Za-z0-9!#$%&'*+./@^_`{|}~-]+$/.test(cut)) return cut;
  return `"${cut.replace(/[^ -~]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
