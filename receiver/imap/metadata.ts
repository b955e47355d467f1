/**
 * Annotations on the wire (RFC 5464 §4.4, §5): names of entries, which of them a request means, the METADATA response.
 * LIST RETURN (METADATA …) (RFC 9590) uses the same.
 */
import { METADATA_NAME_MAX } from '../../shared/metadata.ts';
import type { Metadata } from './session.ts';
import { type Arguments, Malformed } from './wire/arguments.ts';
import { astring, mailboxName, string } from './wire/encoder.ts';

/** Entries one request may name. */
const ENTRIES_MAX = 200;

/** One name, in lower case: case does not matter (RFC 5464 §3.2). */
export function readEntry(args: Arguments): string {
  const name = args.astring();
  const good = /^(\/[\x20-$&-)+-.0-~]+)+$/.test(name) && name.length <= METADATA_NAME_MAX;
  if (!good) throw new Malformed('Not the name of an annotation');
  return name.toLowerCase();
}

/** One, or a list. */
export function readEntries(args: Arguments): string[] {
  const entries = args.peek() === '(' ? args.list(() => readEntry(args)) : [readEntry(args)];
  if (entries.length === 0 || entries.length > ENTRIES_MAX) throw new Malformed('Too few or too many entries');
  return [...new Set(entries)];
}

/** Those that have a value, and what lies up to `depth` levels below them. */
export function selectEntries(metadata: Metadata, entries: readonly string[], depth: number): [string, string][] {
  if (depth === 0) return entries.flatMap((entry): [string, string][] => present(metadata, entry));
  return [...metadata].filter(([name]) => entries.some((entry) => isWithin(name, entry, depth))).sort(([a], [b]) => (a < b ? -1 : 1));
}

function present(metadata: Metadata, entry: string): [string, string][] {
  const value = metadata.get(entry);
  return value === undefined ? [] : [[entry, value]];
}

function isWithin(name: string, entry: string, depth: number): boolean {
  if (name === entry) return true;
  return name.startsWith(`${entry}/`) && name.slice(entry.length + 1).split('/').length <= depth;
}

/** `mailbox` empty: the server. A value of null is NIL. */
export function metadataLine(mailbox: string, entries: readonly (readonly [string, string | null])[], utf8: boolean): string {
  const pairs = entries.map(([entry, value]) => `${astring(entry)} ${value === null ? 'NIL' : valueText(value)}`);
  return `* METADATA ${mailboxName(mailbox, utf8)} (${pairs.join(' ')})`;
}

/** Names only: these have changed (RFC 5464 §4.4.2). */
export function metadataChangeLine(mailbox: string, entries: readonly string[], utf8: boolean): string {
  return `* METADATA ${mailboxName(mailbox, utf8)} ${entries.map((entry) => astring(entry)).join(' ')}`;
}

function valueText(value: string): string {
  return value.includes('\0') ? `~{${value.length}}\r\n${value}` : string(value);
}
