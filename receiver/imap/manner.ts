/**
 * In which form a client hears of messages, which depends on what it has switched on: MODSEQ and UID in every FETCH
 * (RFC 7162 §3.2.4), VANISHED instead of EXPUNGE (RFC 7162 §3.2.10), UIDFETCH instead of FETCH (RFC 9586). What it
 * did not ask for it does not get.
 */
import { isOff } from './capabilities.ts';
import type { Client } from './client.ts';
import { Malformed } from './wire/arguments.ts';

export interface Manner {
  /** FETCH responses that nobody asked for name the UID. */
  readonly uid: boolean;
  /** They carry MODSEQ as well: the client is CONDSTORE-aware. */
  readonly modseq: boolean;
  /** Removals are told as VANISHED with UIDs. */
  readonly vanished: boolean;
  /** No sequence number goes either way. */
  readonly uidOnly: boolean;
}

/** `uidCommand`: the command that is being answered stood behind `UID` (RFC 9051 §6.4.9). */
export function mannerOf({ enabled }: Pick<Client, 'enabled'>, uidCommand = false): Manner {
  const uidOnly = enabled.has('UIDONLY');
  const modseq = enabled.has('CONDSTORE');
  return {
    uidOnly,
    modseq,
    vanished: uidOnly || enabled.has('QRESYNC'),
    uid: !uidOnly && (uidCommand || modseq || enabled.has('IMAP4REV2')),
  };
}

/** The start of an untagged FETCH up to its first item. */
export function fetchStart({ uidOnly }: Manner, sequence: number, uid: number): string {
  return uidOnly ? `* ${uid} UIDFETCH (` : `* ${sequence} FETCH (`;
}

/** The client has used something that makes it CONDSTORE-aware (RFC 7162 §3.1); the first time it is told where the mailbox stands. */
export function becomeAware(client: Client): void {
  if (client.enabled.has('CONDSTORE')) return;
  if (isOff(client, 'CONDSTORE') && !client.enabled.has('QRESYNC')) throw new Malformed('CONDSTORE is switched off for this account');
  client.enabled.add('CONDSTORE');
  client.selection?.tellHighestModseq(client.output);
}
