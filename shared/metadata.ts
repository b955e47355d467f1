/**
 * Annotations of mailboxes and of the server (RFC 5464): what an entry may be called, and how much of them an account may
 * keep. Both sides read this: the receiver to answer without asking, the store to hold whoever asks to it.
 */

/** Octets of one value: a comment, a colour, a small configuration of a client. */
export const METADATA_VALUE_MAX = 8 * 1024;
/** Entries of one account, all mailboxes together. */
export const METADATA_ENTRIES_MAX = 500;
/** Octets of all names and values of one account: mirrors read all of them again when one changes. */
export const METADATA_OCTETS_MAX = 256 * 1024;
export const METADATA_NAME_MAX = 256;
/** Entries one change may set. */
export const METADATA_CHANGES_MAX = 100;

/** Any entry below `/private` and `/shared`; below `vendor` four levels at least (RFC 5464 §3.2). Case does not matter. */
export function isMetadataEntry(name: string): boolean {
  if (name.length > METADATA_NAME_MAX || !/^\/(private|shared)(\/[\x20-$&-)+-.0-~]+)+$/i.test(name)) return false;
  return !/^\/\w+\/vendor(\/[^/]*)?$/i.test(name);
}
