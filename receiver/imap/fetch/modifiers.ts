/**
 * FETCH modifiers (RFC 4466 §2.4): PARTIAL for UID FETCH (RFC 9394 §3.3), CHANGEDSINCE, and with it VANISHED for UID FETCH (RFC 7162 §3.1.4.1, §3.2.6). Each stands at most once;
 * unknown ones are BAD.
 */
import { requireOn } from '../capabilities.ts';
import type { Call, Client } from '../client.ts';
import { readModseq } from '../modseq.ts';
import { type PartialRange, readPartialRange } from '../search/results.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';

export interface FetchModifiers {
  /** Only messages changed after this; null: all. */
  changedSince: number | null;
  /** Only this part of the messages named (RFC 9394 §3.3); null: all. */
  partial: PartialRange | null;
  /** What was expunged after it is told as well. */
  vanished: boolean;
}

const READERS: Record<string, (args: Arguments, modifiers: FetchModifiers) => void> = {
  CHANGEDSINCE: (args, modifiers) => {
    args.space();
    modifiers.changedSince = readModseq(args);
  },
  PARTIAL: (args, modifiers) => {
    modifiers.partial = readPartialRange(args);
  },
  VANISHED: (_args, modifiers) => {
    modifiers.vanished = true;
  },
};

/** ` (modifier …)` or nothing. */
export function readModifiers(args: Arguments, client: Client, call: Call): FetchModifiers {
  const modifiers: FetchModifiers = { changedSince: null, partial: null, vanished: false };
  if (!args.skip(' ')) return modifiers;
  const seen = new Set<string>();
  args.list(() => {
    const name = args.word('a FETCH modifier');
    const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
    if (!read || seen.has(name)) throw new Malformed('Unknown FETCH modifier');
    seen.add(name);
    read(args, modifiers);
  });
  if (modifiers.partial) checkPartial(client, call);
  if (modifiers.vanished) checkVanished(modifiers, client, call);
  return modifiers;
}

function checkPartial(client: Client, { uid }: Call): void {
  requireOn(client, 'PARTIAL');
  if (!uid) throw new Malformed('PARTIAL is for UID FETCH');
}

function checkVanished({ changedSince }: FetchModifiers, client: Client, { uid }: Call): void {
  if (!uid) throw new Malformed('VANISHED is for UID FETCH');
  if (changedSince === null) throw new Malformed('VANISHED needs CHANGEDSINCE');
  if (!client.enabled.has('QRESYNC')) throw new Malformed('ENABLE QRESYNC first');
}
