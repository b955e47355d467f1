/**
 * The trace block we put in front of a message (RFC 5321 §4.4, RFC 8601 §4): Return-Path, our
 * Authentication-Results, Received. What the client said (HELO, addresses) is let in only as characters
 * that cannot end a field or a comment.
 */

export interface TraceFacts {
  hostname: string;
  spoolId: string;
  /** Epoch milliseconds. */
  at: number;
  helo: string;
  remoteAddress: string;
  /** `ESMTPS` and the like. */
  protocol: string;
  tls: { name: string; version: string } | null;
  mailFrom: string;
  rcptTo: string[];
}

/** `SMTP`, `ESMTP`, with S for TLS and A for an authenticated client (RFC 3848); UTF8SMTP… when asked for (RFC 6531 §4.3). */
export function protocolName(session: { extended: boolean; secure: boolean; authenticated: boolean; utf8: boolean }): string {
  if (!session.extended) return 'SMTP';
  return `${session.utf8 ? 'UTF8SMTP' : 'ESMTP'}${session.secure ? 'S' : ''}${session.authenticated ? 'A' : ''}`;
}

/** RFC 5322 §3.3, in UTC. */
export function formatDate(at: number): string {
  return new Date(at).toUTCString().replace('GMT', '+0000');
}

/** Trace of a message from elsewhere. `results` is the finished Authentication-Results field with its CRLF. */
export function arrivalTrace(facts: TraceFacts, results: string): string {
  return `Return-Path: <${safePath(facts.mailFrom)}>\r\n${results}${received(facts)}`;
}

function received(facts: TraceFacts): string {
  const lines = [
    `Received: from ${safeName(facts.helo)} (${addressLiteral(facts.remoteAddress)})`,
    `by ${facts.hostname} (Posthouse) with ${facts.protocol}${cipher(facts)}`,
    `id ${facts.spoolId}${recipient(facts)}; ${formatDate(facts.at)}`,
  ];
  return `${lines.join('\r\n\t')}\r\n`;
}

/** Trace of a submission: neither the client's address nor its name, which are the sender's own business. */
export function submissionTrace(facts: TraceFacts): string {
  return `Received: by ${facts.hostname} (Posthouse) with ${facts.protocol}${cipher(facts)}\r\n\tid ${facts.spoolId}; ${formatDate(facts.at)}\r\n`;
}

function cipher({ tls }: TraceFacts): string {
  return tls ? `\r\n\t(${safeName(tls.version)} ${safeName(tls.name)})` : '';
}

/** Only when there is one: with several, it would tell each of the others (RFC 5321 §7.6). */
function recipient({ rcptTo }: TraceFacts): string {
  return rcptTo.length === 1 ? `\r\n\tfor <${safePath(rcptTo[0] ?? '')}>` : '';
}

function addressLiteral(address: string): string {
  return address.includes(':') ? `[IPv6:${address}]` : `[${address}]`;
}

/** A HELO name as Received may carry it; whatever a name does not consist of becomes `?`. */
function safeName(text: string): string {
  return text.slice(0, 255).replace(/[^A-Za-z0-9.:_[\]-]/g, '?') || '?';
}

function safePath(address: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not get in
  return address.replace(/[\u0000-\u001f\u007f<>]/g, '');
}
