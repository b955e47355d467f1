/**
 * What the index knows of one message: everything IMAP's ENVELOPE and BODYSTRUCTURE, JMAP's Email
 * object and the full text need, so that a listing never reads the original (RFC 9051 §7.5.2,
 * RFC 8621 §4). Offsets count octets from the first octet of the stored original.
 *
 * "Byte string" below means a JavaScript string whose every code unit is one octet (0–255): header
 * bytes travel verbatim, whatever their charset. NUL, which neither IMAP nor SQLite text can carry,
 * is written as U+0080, as Dovecot does.
 */

/** One node of the MIME tree. The root is the message itself. */
export interface Part {
  /** First octet of the part's header block. */
  headerStart: number;
  /** First octet after the header block's empty line. */
  bodyStart: number;
  /** One past the last octet of the body; the line break before a boundary belongs to the boundary. */
  end: number;
  /** Line breaks in the body; a last line that is not ended does not count, as with Dovecot. */
  lines: number;
  /** Media type, lower case. `text`/`plain` when absent or not understood (RFC 2045 §5.2). */
  type: string;
  subtype: string;
  /** Content-Type parameters in order: name in lower case, value a byte string, unquoted, not RFC 2231-decoded. */
  parameters: [string, string][];
  /** Content-Transfer-Encoding, lower case; `7bit` when absent. */
  encoding: string;
  /** Content-ID, byte string as written, angle brackets kept. */
  id?: string;
  description?: string;
  md5?: string;
  disposition?: { value: string; parameters: [string, string][] };
  language?: string[];
  location?: string;
  /** Octets of the body after its transfer encoding is undone, for base64 and quoted-printable parts (EmailBodyPart/size, RFC 8621 §4.1.4); absent otherwise. */
  decodedSize?: number;
  /** Sub-parts of a multipart; the one enclosed message of a message/rfc822 or message/global. */
  children?: Part[];
  /** On the child of a message/rfc822: the raw header lines its ENVELOPE needs (byte string). */
  headers?: string;
}

/** The text of a message, already folded and segmented by `shared/search.ts`, one entry per FTS5 column. */
export interface SearchText {
  from: string;
  to: string;
  cc: string;
  bcc: string;
  subject: string;
  body: string;
  attachments: string;
}

/** The whole index of one message, as `MessageIndexer` makes it and `workers/store` keeps it. */
export interface MessageIndex {
  /** Octets of the original. */
  size: number;
  /** Kept header fields, raw lines verbatim with CRLF, in order (byte string). See KEPT_FIELDS. */
  headers: string;
  /** False when the kept fields did not fit and were cut: then header fetches read the original. */
  headersComplete: boolean;
  structure: Part;
  /** The Date field as epoch milliseconds; null when absent or unreadable. */
  sentAt: number | null;
  /** Message-ID, In-Reply-To, References: ids without angle brackets, bounded (see THREAD_REFERENCES_MAX). */
  messageId: string[];
  inReplyTo: string[];
  references: string[];
  /** Decoded, white space folded, at most 1,000 characters. */
  subject: string;
  /** Plain text, white space folded, at most 256 characters (RFC 8970 §3, RFC 8621 §4.1.4). */
  preview: string;
  /** RFC 8621 §4.1.4. */
  hasAttachment: boolean;
  search: SearchText;
}
