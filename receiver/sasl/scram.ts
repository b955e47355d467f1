/**
 * SCRAM-SHA-256 and -PLUS as this receiver passes them through (RFC 5802, RFC 7677, DESIGN.md invariant 7): the edge holds the
 * verifier and checks the proof; what concerns the connection is checked here, because it ends here: the GS2 header,
 * the channel binding `tls-exporter` (RFC 9266) and that `c=` repeats both. A downgrade to the mechanism without binding is refused.
 */
import { parseClientFinal, parseClientFirstBare, SCRAM_MESSAGE_MAX } from '../../shared/scram.ts';
import { decodeSaslName, readGs2 } from './gs2.ts';

export const CHANNEL_BINDING = 'tls-exporter';

export interface ClientFirst {
  username: string;
  /** What the edge needs of it: `n=…,r=…`. */
  bare: string;
  /** What `c=` has to be, base64. */
  binding: string;
}

export interface BindingOffer {
  /** The `-PLUS` mechanism was chosen. */
  plus: boolean;
  /** Key material of the TLS channel; null where there is none, and so no -PLUS on offer. */
  exporter: Uint8Array | null;
}

/** Reads client-first; a string says why it is refused. */
export function readClientFirst(message: string, { plus, exporter }: BindingOffer): ClientFirst | string {
  const gs2 = message.length <= SCRAM_MESSAGE_MAX ? readGs2(message) : null;
  const username = decodeSaslName(/^n=([^,]+),/.exec(gs2?.rest ?? '')?.[1] ?? '=');
  if (!gs2 || !parseClientFirstBare(gs2.rest) || !username) return 'Not a SCRAM message';
  if (gs2.authzid !== null && gs2.authzid !== username) return 'Nobody may act for somebody else';
  const bound = typeof gs2.binding === 'object';
  if (bound !== plus) return plus ? 'This mechanism needs channel binding' : 'Channel binding needs the -PLUS mechanism';
  if (typeof gs2.binding === 'object' && gs2.binding.type !== CHANNEL_BINDING) return 'Only tls-exporter is supported';
  if (gs2.binding === 'y' && exporter) return 'This server does support channel binding: somebody has changed what it offers';
  const binding = Buffer.concat([Buffer.from(gs2.header, 'utf8'), plus && exporter ? exporter : new Uint8Array()]).toString('base64');
  return { username, bare: gs2.rest, binding };
}

/** Whether client-final is one, and bound to this very connection. */
export function isBoundFinal(message: string, { binding }: ClientFirst): boolean {
  return parseClientFinal(message) !== null && message.startsWith(`c=${binding},`);
}
