/**
 * ENVELOPE (RFC 9051 §7.5.2) from raw header lines. As Dovecot does, values travel undecoded and only
 * unfolded, white space in subject and names one space; of several fields of one name the last counts, of addresses all; Sender and Reply-To default to From; an
 * address without domain or local part says so in the place of the missing half, because NIL there
 * would mean a group.
 */
import { type AddressItem, type Mailbox, parseAddressList } from './addresses.ts';
import { type HeaderField, headerValues, lastHeaderValue, parseHeaderBlock } from './headers.ts';
import { imapList, imapNstring, imapString } from './wire.ts';

const MISSING_LOCAL = 'MISSING_MAILBOX';
const MISSING_DOMAIN = 'MISSING_DOMAIN';

/** `("date" "subject" (from) (sender) (reply-to) (to) (cc) (bcc) "in-reply-to" "message-id")` */
export function envelopeWire(headers: string): string {
  const fields = parseHeaderBlock(headers);
  const from = addressesWire(fields, 'from');
  const orFrom = (name: string) => {
    const own = addressesWire(fields, name);
    return own === 'NIL' ? from : own;
  };
  const text = (name: string) => imapNstring(lastHeaderValue(fields, name));
  const subject = lastHeaderValue(fields, 'subject');
  const list = (name: string) => addressesWire(fields, name);
  const people = [from, orFrom('sender'), orFrom('reply-to'), list('to'), list('cc'), list('bcc')].join(' ');
  return `(${text('date')} ${imapNstring(subject && oneSpaced(subject))} ${people} ${text('in-reply-to')} ${text('message-id')})`;
}

function addressesWire(fields: readonly HeaderField[], name: string): string {
  return imapList(headerValues(fields, name).flatMap(parseAddressList).map(itemWire), '');
}

/** A group is its name, its members, and an end of four NILs. */
function itemWire(item: AddressItem): string {
  if (!('group' in item)) return mailboxWire(item);
  return `(NIL NIL ${imapString(item.rawGroup)} NIL)${item.members.map(mailboxWire).join('')}(NIL NIL NIL NIL)`;
}

function mailboxWire({ rawName, route, local, domain }: Mailbox): string {
  return `(${imapNstring(rawName && oneSpaced(rawName))} ${imapNstring(route)} ${imapString(local || MISSING_LOCAL)} ${imapString(domain || MISSING_DOMAIN)})`;
}

function oneSpaced(text: string): string {
  return text.replace(/[ \t]+/g, ' ').replace(/^ /, '');
}
