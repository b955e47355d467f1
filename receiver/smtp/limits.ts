/** The bounds of an SMTP session, each with the abuse it stops. RFC 5321 §4.5.3 says what may not be less. */

/** RFC 5321 §4.5.3.1.4: a command line has 512 octets with its CRLF. */
export const COMMAND_LINE_MAX = 512;
/** MAIL and RCPT carry parameters: SIZE 26 (RFC 1870), BODY 17 (RFC 6152), SMTPUTF8 10 (RFC 6531), AUTH 500 (RFC 4954). */
export const ADDRESS_LINE_MAX = 512 + 26 + 17 + 10 + 500;
/** RFC 4954 §4: AUTH lines and what answers a challenge. */
export const AUTH_LINE_MAX = 12_288;
/** An overlong line is skipped to its end and answered; one that never ends is cut here, and the connection with it. */
export const ENDLESS_LINE_MAX = 64 * 1024;
/** RFC 5321 §4.5.3.1.8 asks for at least 100; more in one transaction is a spammer's habit. */
export const RECIPIENTS_MAX = 100;
/** Connections at once to one listener: each may hold a message of 256 KB in memory. */
export const CONNECTIONS_MAX = 200;
/** Of one remote address (IPv6: one /64), unless it is loopback. Large senders open a handful. */
export const CONNECTIONS_PER_ADDRESS_MAX = 20;
/** RFC 5321 §4.5.3.2.7: the server waits five minutes for the next command. */
export const IDLE_MS = 5 * 60_000;
/** A session that trickles for an hour is not delivering mail. */
export const SESSION_MS = 60 * 60_000;
/** Spam engines talk before they are greeted; a tenth of a second catches them (not asked of local clients and submitters). */
export const GREETING_DELAY_MS = 100;
/** Closing lets a message in flight finish for this long. */
export const CLOSE_MS = 4000;
/** Header sections above this come from no mail program; indexes and look-ups are bounded by it. */
export const HEADER_SECTION_MAX = 1024 * 1024;
/** RFC 5321 §6.3 counts Received fields to find loops; no honest way of mail has 50 hops. */
export const RECEIVED_FIELDS_MAX = 50;
/** Bodies above this are written to disk while they arrive. */
export const MEMORY_BODY_MAX = 256 * 1024;

/**
 * What a session's errors may add up to before it is closed with 421. Nonsense weighs more than an unknown
 * recipient (an old mailing list has many), a wrong password most.
 */
export const ERROR_WEIGHT_MAX = 100;
export const ERROR_WEIGHTS: ReadonlyMap<number, number> = new Map([
  [450, 1],
  [500, 10],
  [501, 5],
  [502, 10],
  [503, 5],
  [504, 10],
  [530, 5],
  [535, 20],
  [538, 10],
  [550, 1],
  [553, 1],
  [555, 5],
]);
