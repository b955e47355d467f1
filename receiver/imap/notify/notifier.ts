/**
 * Tells one client what NOTIFY asked for (RFC 5465): of the selected mailbox by EXISTS, EXPUNGE and FETCH, of the others by STATUS, LIST
 * and METADATA. It is asked when something may be written (the connection knows when), and then tells all that is new.
 */
import type { Client } from '../client.ts';
import { fetchItems } from '../commands/fetch.ts';
import { listLine, statusLine } from '../listing.ts';
import { mannerOf } from '../manner.ts';
import { metadataChangeLine } from '../metadata.ts';
import type { Selection } from '../selection.ts';
import type { Mailbox, MailboxStatus, Metadata, Session } from '../session.ts';
import { mailboxName } from '../wire/encoder.ts';
import { lowerBound } from '../wire/sets.ts';
import type { EventName, NotifyRequest } from './request.ts';
import { changedEntries, compare, type Difference, type Snapshot, takeSnapshot } from './snapshot.ts';

/** New messages whose items are sent at once; of more the client learns the number, and asks itself. */
const FETCHED_MAX = 500;

export class Notifier {
  readonly request: NotifyRequest;
  readonly #client: Client;
  readonly #session: Session;
  readonly #unwatch: () => void;
  #known: Snapshot;
  #server: Metadata;
  #changed = false;
  /** UIDs of messages that this client has put into the mailbox it has open, until it has heard of them. */
  #made: { mailbox: string; uids: Set<number> } = { mailbox: '', uids: new Set() };

  /** `wake` is called when there may be something to tell. */
  constructor(client: Client, session: Session, request: NotifyRequest, wake: () => void) {
    this.request = request;
    this.#client = client;
    this.#session = session;
    this.#known = takeSnapshot(session);
    this.#server = session.metadata(null);
    this.#unwatch = session.watch(() => {
      this.#changed = true;
      wake();
    });
  }

  close(): void {
    this.#unwatch();
  }

  /** What the selected mailbox is to be told of; null: as without NOTIFY. */
  get wanted(): { messages: boolean; flags: boolean } | null {
    const { selected } = this.request;
    return selected === undefined ? null : { messages: selected?.messages ?? false, flags: selected?.flags ?? false };
  }

  /** It may write whenever no command is under way, not only in IDLE. */
  get isImmediate(): boolean {
    return this.request.selected !== undefined;
  }

  /** NOTIFY SET STATUS: where every watched mailbox stands. */
  async tellStatus(): Promise<void> {
    for (const { mailbox } of this.#known.values()) {
      const events = this.#eventsOf(mailbox);
      if (events.has('MessageNew') && !this.#isSelected(mailbox)) this.#tellMessages(mailbox, events);
      await this.#client.breathe();
    }
  }

  /** `expunge`: an EXPUNGE may be told now even to those who want it delayed. */
  async tell(expunge: boolean, uidCommand = false): Promise<void> {
    const { selection } = this.#client;
    if (selection) await this.#tellSelected(selection, expunge, uidCommand);
    if (!this.#changed) return;
    this.#changed = false;
    const after = takeSnapshot(this.#session, this.#known);
    const difference = compare(this.#known, after);
    const server = changedEntries(this.#server, this.#session.metadata(null));
    this.#known = after;
    this.#server = this.#session.metadata(null);
    this.#tellNames(difference);
    this.#tellAnnotations(difference, server);
    for (const { before, after } of difference.messages) {
      this.#tellChangedMessages(before.status, after);
      await this.#client.breathe();
    }
  }

  /** The client itself has changed these names or what belongs to them: that is no news to it (RFC 5465 §5). */
  own(names: readonly string[]): void {
    const after = takeSnapshot(this.#session, this.#known);
    const isOwn = ({ name }: Mailbox) => names.some((own) => name === own || name.startsWith(`${own}/`) || own.startsWith(`${name}/`));
    for (const [id, known] of this.#known) if (!after.has(id) && isOwn(known.mailbox)) this.#known.delete(id);
    for (const [id, now] of after) {
      const old = this.#known.get(id);
      if (!isOwn(now.mailbox) && !(old && isOwn(old.mailbox))) continue;
      this.#known.set(id, old ? { ...now, clock: old.clock, status: old.status } : now);
    }
    if (names.includes('')) this.#server = this.#session.metadata(null);
  }

  /** The client itself has put messages there: it hears of them by EXISTS and by nothing else (RFC 5465 §5, §5.2). */
  ownMessages(name: string, uids: readonly number[]): void {
    const mailbox = this.#session.find(name);
    if (!mailbox) return;
    if (this.#isSelected(mailbox)) {
      if (!this.request.selected?.items.length) return;
      const before = this.#made.mailbox === mailbox.id ? this.#made.uids : [];
      this.#made = { mailbox: mailbox.id, uids: new Set([...before, ...uids]) };
      return;
    }
    const known = this.#known.get(mailbox.id);
    const status = this.#session.status(mailbox);
    if (known?.status?.messages !== status.messages - uids.length) return;
    this.#known.set(mailbox.id, { ...known, clock: this.#session.clock(mailbox), status });
  }

  async #tellSelected(selection: Selection, expunge: boolean, uidCommand: boolean): Promise<void> {
    const { output } = this.#client;
    const { selected } = this.request;
    const last = selection.view.lastUid;
    const manner = mannerOf(this.#client, uidCommand);
    selection.tell(output, expunge, this.isImmediate ? { ...manner, uid: manner.uid || !manner.uidOnly } : manner);
    if (!selected || selected.items.length === 0) return;
    const fresh = this.#withoutOwn(selection, last);
    if (fresh.length === 0 || fresh.length > FETCHED_MAX) return;
    await fetchItems({ client: this.#client, selection, manner: mannerOf(this.#client) }, fresh, selected.items);
  }

  /** UIDs after `last` that this client did not make. */
  #withoutOwn({ box, view }: Selection, last: number): number[] {
    const { mailbox, uids } = this.#made;
    const fresh = [...view.uids.subarray(lowerBound(view.uids, last + 1))];
    const foreign = mailbox === box.mailbox.id ? fresh.filter((uid) => !uids.has(uid)) : fresh;
    for (const uid of uids) if (uid <= view.lastUid) uids.delete(uid);
    return foreign;
  }

  #tellNames({ created, destroyed, renamed, parents, subscribed }: Difference): void {
    const told = new Set<string>();
    const line = (mailbox: Mailbox, oldName?: string) => {
      told.add(mailbox.id);
      this.#client.output.line(listLine(mailbox, this.#client.utf8, { subscribed: true, ...(oldName === undefined ? {} : { oldName }) }));
    };
    const named = (mailbox: Mailbox) => this.#wants(mailbox, 'MailboxName');
    for (const mailbox of destroyed.filter(named)) this.#tellGone(mailbox);
    for (const { before, after } of renamed) if (named(before) || named(after)) line(after, before.name);
    for (const mailbox of [...created, ...parents].filter(named)) line(mailbox);
    for (const mailbox of subscribed) if (!told.has(mailbox.id) && this.#wantsSubscription(mailbox)) line(mailbox);
  }

  #tellGone({ name }: Mailbox): void {
    this.#client.output.line(`* LIST (\\NonExistent) "/" ${mailboxName(name, this.#client.utf8)}`);
  }

  #tellAnnotations({ annotated }: Difference, server: string[]): void {
    const { output, utf8 } = this.#client;
    if (server.length > 0 && this.request.groups.some(({ events }) => events.has('ServerMetadataChange'))) {
      output.line(metadataChangeLine('', server, utf8));
    }
    for (const { mailbox, entries } of annotated) {
      if (this.#wants(mailbox, 'MailboxMetadataChange')) output.line(metadataChangeLine(mailbox.name, entries, utf8));
    }
  }

  #tellChangedMessages(before: MailboxStatus | null, mailbox: Mailbox): void {
    const events = this.#eventsOf(mailbox);
    if (!events.has('MessageNew') || this.#isSelected(mailbox)) return;
    const now = this.#session.status(mailbox);
    const moved = before === null || before.messages !== now.messages || before.uidnext !== now.uidnext;
    if (moved || events.has('FlagChange')) this.#tellMessages(mailbox, events, now);
    else this.#remember(mailbox, now);
  }

  #tellMessages(mailbox: Mailbox, events: ReadonlySet<EventName>, status = this.#session.status(mailbox)): void {
    const { output, utf8, enabled, messageSizeLimit } = this.#client;
    const items = ['MESSAGES', 'UIDNEXT', 'UIDVALIDITY'];
    if (events.has('FlagChange')) items.push('UNSEEN');
    if (enabled.has('CONDSTORE')) items.push('HIGHESTMODSEQ');
    output.line(statusLine(mailbox, status, items, utf8, messageSizeLimit));
    this.#remember(mailbox, status);
  }

  #remember(mailbox: Mailbox, status: MailboxStatus): void {
    const known = this.#known.get(mailbox.id);
    if (known) this.#known.set(mailbox.id, { ...known, status });
  }

  #isSelected({ id }: Mailbox): boolean {
    return this.#client.selection?.box.mailbox.id === id;
  }

  /** Whoever follows the subscribed ones learns as well that one is none of them any more (RFC 5465 §6.4). */
  #wantsSubscription(mailbox: Mailbox): boolean {
    return this.#wants(mailbox, 'SubscriptionChange') || this.#wants({ ...mailbox, subscribed: true }, 'SubscriptionChange');
  }

  #wants(mailbox: Mailbox, event: EventName): boolean {
    return this.request.groups.some(({ covers, events }) => events.has(event) && covers(mailbox));
  }

  #eventsOf(mailbox: Mailbox): Set<EventName> {
    return new Set(this.request.groups.filter(({ covers }) => covers(mailbox)).flatMap(({ events }) => [...events]));
  }
}
