/**
 * Response codes (RFC 9051 §7.1, RFC 5530, and those of extensions): every one we send, with where it is defined. What is not here
 * cannot be sent, and the transcripts (`test/transcripts/imap`) bring each about.
 */
export const RESPONSE_CODES = {
  ALREADYEXISTS: 'RFC 5530 §3',
  APPENDUID: 'RFC 4315 §3',
  AUTHENTICATIONFAILED: 'RFC 5530 §3',
  AUTHORIZATIONFAILED: 'RFC 5530 §3',
  BADCHARSET: 'RFC 9051 §7.1',
  BADEVENT: 'RFC 5465 §3.1',
  CANNOT: 'RFC 5530 §3',
  CAPABILITY: 'RFC 9051 §7.1',
  CLOSED: 'RFC 7162 §3.2.11',
  COMPRESSIONACTIVE: 'RFC 4978 §3',
  COPYUID: 'RFC 4315 §3',
  EXPIRED: 'RFC 5530 §3',
  EXPUNGEISSUED: 'RFC 5530 §3',
  HASCHILDREN: 'RFC 9051 §7.1',
  HIGHESTMODSEQ: 'RFC 7162 §3.1.2.1',
  INPROGRESS: 'RFC 9585 §3',
  LIMIT: 'RFC 5530 §3',
  MAILBOXID: 'RFC 8474 §4',
  'METADATA LONGENTRIES': 'RFC 5464 §4.2.1',
  'METADATA MAXSIZE': 'RFC 5464 §4.3',
  'METADATA TOOMANY': 'RFC 5464 §4.3',
  MODIFIED: 'RFC 7162 §3.1.3',
  NONEXISTENT: 'RFC 5530 §3',
  NOPERM: 'RFC 5530 §3',
  NOTIFICATIONOVERFLOW: 'RFC 5465 §5.8',
  OVERQUOTA: 'RFC 9208 §4.3.1',
  PERMANENTFLAGS: 'RFC 9051 §7.1',
  PRIVACYREQUIRED: 'RFC 5530 §3',
  'READ-ONLY': 'RFC 9051 §7.1',
  'READ-WRITE': 'RFC 9051 §7.1',
  SERVERBUG: 'RFC 5530 §3',
  TOOBIG: 'RFC 7889 §4',
  TRYCREATE: 'RFC 9051 §7.1',
  UIDNEXT: 'RFC 9051 §7.1',
  UIDREQUIRED: 'RFC 9586 §3',
  UIDVALIDITY: 'RFC 9051 §7.1',
  UNAVAILABLE: 'RFC 5530 §3',
  'UNKNOWN-CTE': 'RFC 3516 §4.3',
  UNSEEN: 'RFC 3501 §7.1',
  USEATTR: 'RFC 6154 §3',
} as const;

export type CodeName = keyof typeof RESPONSE_CODES;

/** A code with its arguments, without brackets. */
export type ResponseCode = CodeName | `${CodeName} ${string}`;

/** The text of a status response, behind its code when it has one: `[CLOSED] Previous mailbox is closed`. */
export function coded(code: ResponseCode | null, text: string): string {
  return code === null ? text : `[${code}] ${text}`;
}
