/** Reading a commit of the bridge (protocol.ts): every operation checked field by field before the store sees it. */
import { flag, id, integer, list, Malformed, nullable, optional, type Reader, record, sha256, text, time } from './fields.ts';
import { isKeyword, KEYWORDS_PER_EMAIL_MAX } from './flags.ts';
import { readMessageIndex } from './message-index.ts';
import { isMetadataEntry, METADATA_CHANGES_MAX, METADATA_NAME_MAX, METADATA_VALUE_MAX } from './metadata.ts';
import { COMMIT_OPERATIONS_MAX, type CommitRequest, INLINE_MESSAGE_MAX, OPERATION_ITEMS_MAX, type Operation } from './protocol.ts';

const ids = list(id, OPERATION_ITEMS_MAX);
const name = text(1000);
const role = optional(nullable(text(32)));

const keyword: Reader<string> = (value, path) => {
  if (typeof value !== 'string' || !isKeyword(value)) throw new Malformed(path, 'a keyword');
  return value.toLowerCase();
};
const keywords = list(keyword, KEYWORDS_PER_EMAIL_MAX);

const entryName: Reader<string> = (value, path) => {
  const name = text(METADATA_NAME_MAX)(value, path);
  if (!isMetadataEntry(name)) throw new Malformed(path, 'the name of an annotation');
  return name.toLowerCase();
};
const entry: Reader<[string, string | null]> = (value, path) => {
  if (!Array.isArray(value) || value.length !== 2) throw new Malformed(path, 'an entry and its value');
  return [entryName(value[0], `${path}[0]`), nullable(byteString)(value[1], `${path}[1]`)];
};
/** Any octets, NUL too: annotations may be binary (RFC 5464 §3.2). */
const byteString: Reader<string> = (value, path) => {
  if (typeof value !== 'string' || value.length > METADATA_VALUE_MAX || /[\u0100-\uffff]/.test(value))
    throw new Malformed(path, 'a byte string');
  return value;
};

type Readers = { [Op in Operation['op']]: Reader<Extract<Operation, { op: Op }>> };

const OPERATIONS: Readers = {
  store: record((field) => ({
    op: 'store',
    mailbox: field('mailbox', id),
    uids: field('uids', ids),
    add: field('add', optional(keywords)),
    remove: field('remove', optional(keywords)),
    replace: field('replace', optional(keywords)),
    deleted: field('deleted', optional(flag)),
    unchangedSince: field('unchangedSince', optional(integer())),
  })),
  copy: record((field) => ({ op: 'copy', mailbox: field('mailbox', id), uids: field('uids', ids), to: field('to', id) })),
  move: record((field) => ({ op: 'move', mailbox: field('mailbox', id), uids: field('uids', ids), to: field('to', id) })),
  expunge: record((field) => ({ op: 'expunge', mailbox: field('mailbox', id), uids: field('uids', ids) })),
  append: record((field) => ({
    op: 'append',
    mailbox: field('mailbox', id),
    sha256: field('sha256', sha256),
    inline: field('inline', integer(0, INLINE_MESSAGE_MAX)),
    index: field('index', readMessageIndex),
    keywords: field('keywords', keywords),
    deleted: field('deleted', optional(flag)),
    receivedAt: field('receivedAt', time),
  })),
  createMailbox: record((field) => ({
    op: 'createMailbox',
    parent: field('parent', nullable(id)),
    name: field('name', name),
    role: field('role', role),
    subscribed: field('subscribed', optional(flag)),
  })),
  updateMailbox: record((field) => ({
    op: 'updateMailbox',
    mailbox: field('mailbox', id),
    parent: field('parent', optional(nullable(id))),
    name: field('name', optional(name)),
    role: field('role', role),
    subscribed: field('subscribed', optional(flag)),
    sortOrder: field('sortOrder', optional(integer(0, 2 ** 31 - 1))),
  })),
  destroyMailbox: record((field) => ({
    op: 'destroyMailbox',
    mailbox: field('mailbox', id),
    expungeEmails: field('expungeEmails', optional(flag)),
  })),
  setMetadata: record((field) => ({
    op: 'setMetadata',
    mailbox: field('mailbox', integer(0, 2 ** 31 - 1)),
    entries: field('entries', list(entry, METADATA_CHANGES_MAX)),
  })),
};

const readOperation: Reader<Operation> = (value, path) => {
  const op = record((field) => field('op', text(32)))(value, path);
  if (!Object.hasOwn(OPERATIONS, op)) throw new Malformed(`${path}.op`, 'an operation');
  return OPERATIONS[op as Operation['op']](value, path);
};

/** Throws `Malformed`. */
export const readCommitRequest: Reader<CommitRequest> = record((field) => ({
  id: field('id', text(128, /^[\x21-\x7e]{8,}$/)),
  since: field('since', text(100)),
  operations: field('operations', list(readOperation, COMMIT_OPERATIONS_MAX)),
  atomic: field('atomic', optional(flag)),
}));
