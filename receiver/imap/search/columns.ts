/**
 * What SEARCH, SORT and THREAD ask of thousands of messages at once: one value a message and column, without a message object. And
 * the texts that TEXT and BODY look through. A session says how it comes by them; here are their shapes.
 */
import type { MessageKeys } from '../../../shared/mime/message-keys.ts';

export interface MessageColumns extends MessageKeys {
  /** Epoch milliseconds. */
  internalDate: number;
  savedDate: number;
  /** Octets. */
  size: number;
  emailId: string;
  threadId: string;
  /** The base subject (RFC 5256 §2.1) is not empty. */
  hasBase: boolean;
  /** The kept header fields are all there are of their names. */
  headersComplete: boolean;
}
export type ColumnName = keyof MessageColumns;
/** The values of one message, in the order the columns were named. */
export type ColumnRow<Names extends readonly ColumnName[]> = { -readonly [Index in keyof Names]: MessageColumns[Names[Index]] };

/** `text`: headers and text parts; `body`: text parts (RFC 9051 §6.4.4). */
export type TextScope = 'text' | 'body';
/** A message as TEXT and BODY see it, decoded and casemapped. */
export interface MessageText {
  header: string;
  /** The text parts; a match does not go across two of them. */
  body: string[];
}
export interface TextMatches {
  /** UIDs whose text holds what was looked for. */
  found: number[];
  /** UIDs whose text is not at hand. */
  unread: number[];
}
