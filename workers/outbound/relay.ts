/**
 * What a relay driver is: a message and its recipients in, one verdict out. Drivers know the relay's wire format
 * and which of its errors are final; retrying, bouncing and bookkeeping are the outbox's.
 */
import type { Env } from '../env.ts';
import type { Relay } from '../store/directory/types.ts';
import { sendToFile } from './drivers/file.ts';
import { RESEND_RECIPIENTS_MAX, sendToResend } from './drivers/resend.ts';
import type { LeavingMessage } from './leaving.ts';

/** `reply` is an SMTP reply line (RFC 8621 §7: deliveryStatus.smtpReply), made up where the relay gave none. */
export interface RelayVerdict {
  status: 'sent' | 'refused' | 'later';
  reply: string;
}

export type RelayDriver<Settings> = (message: LeavingMessage, settings: Settings, env: Env) => Promise<RelayVerdict>;

/** Recipients of one call to a relay; more go in further calls. */
const RECIPIENTS_MAX: Record<Relay['kind'], number> = { file: Number.POSITIVE_INFINITY, resend: RESEND_RECIPIENTS_MAX };

/** Hands the message to the configured relay; one verdict for each recipient of its envelope. Never throws: what breaks is `later`. */
export async function sendThroughRelay(message: LeavingMessage, relay: Relay | null, env: Env): Promise<Map<string, RelayVerdict>> {
  const verdicts = new Map<string, RelayVerdict>();
  const { mailFrom, rcptTo } = message.envelope;
  const max = relay ? RECIPIENTS_MAX[relay.kind] : rcptTo.length;
  for (let start = 0; start < rcptTo.length; start += max) {
    const some = rcptTo.slice(start, start + max);
    const verdict = await handOver({ ...message, envelope: { mailFrom, rcptTo: some } }, relay, env);
    for (const recipient of some) verdicts.set(recipient, verdict);
  }
  return verdicts;
}

async function handOver(message: LeavingMessage, relay: Relay | null, env: Env): Promise<RelayVerdict> {
  try {
    if (relay === null) return { status: 'later', reply: '451 4.3.5 no relay is set: run "posthouse relay set"' };
    return relay.kind === 'file' ? await sendToFile(message, relay, env) : await sendToResend(message, relay, env);
  } catch (error) {
    return { status: 'later', reply: `451 4.4.0 the relay could not be reached: ${describe(error)}` };
  }
}

/** A reply line without line breaks, bounded. */
export function replyLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get into a reply line
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 500);
}

/** What went wrong, for a reply line. */
export function describe(error: unknown): string {
  return replyLine(error instanceof Error ? error.message : String(error));
}
