/**
 * What MAIL FROM and RCPT TO may carry: parameters we announced and no others (RFC 5321 §4.1.1.11), non-ASCII
 * mailboxes only under SMTPUTF8 (RFC 6531 §3.4), domains as A-labels.
 */
import { domainToASCII } from 'node:url';
import type { SMTPServerAddress, SMTPServerSession } from 'smtp-server';
import { Reply } from './reply.ts';

const MAIL_PARAMETERS = ['SIZE', 'BODY', 'SMTPUTF8'];

/** Refuses parameters nobody announced. Submission clients may add AUTH= (RFC 4954 §5), which says nothing here. */
export function checkMailParameters(address: SMTPServerAddress, more: string[] = []): void {
  refuseUnknown(address, [...MAIL_PARAMETERS, ...more]);
}

export function checkRcptParameters(address: SMTPServerAddress): void {
  refuseUnknown(address, []);
}

function refuseUnknown({ args }: SMTPServerAddress, known: string[]): void {
  const unknown = Object.keys(args || {}).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Reply(555, '5.5.4', 'parameter not recognized');
}

/** The mailbox as the envelope keeps it. Throws 553 for a non-ASCII local part that was not announced. */
export function mailboxOf({ address }: SMTPServerAddress, session: SMTPServerSession): string {
  const at = address.lastIndexOf('@');
  if (at < 0) return address;
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  if (!isAscii(local) && !session.envelope.smtpUtf8) throw new Reply(553, '5.6.7', 'non-ASCII mailbox without SMTPUTF8');
  return `${local}@${isAscii(domain) ? domain : domainToASCII(domain) || domain}`;
}

/** Octets the client says it will send; 0 when it does not say. */
export function announcedSize({ args }: SMTPServerAddress): number {
  const size = args ? Number(args.SIZE) : 0;
  return Number.isFinite(size) ? size : 0;
}

function isAscii(text: string): boolean {
  return !/[^ -~]/.test(text);
}
