/**
 * IMAP sessions over an account's mirror: reads answer from memory and the mirror's file, writes go to the edge and
 * resolve when the mirror shows them (DESIGN.md, "IMAP"). Whatever fails is a `Refusal`; nothing is invented
 * when the edge is away.
 */

import type { OperationResult } from '../../shared/protocol.ts';
import { type PreparedAppend, prepareAppend, putBlob } from '../mirror/append.ts';
import { createMailbox, deleteMailbox, renameMailbox, subscribeMailbox, targetMailbox } from '../mirror/mailbox-writes.ts';
import type { Mirror } from '../mirror/mirror.ts';
import type { Originals } from '../mirror/originals.ts';
import { accept, tryCreate } from '../mirror/results.ts';
import type { TreeMailbox } from '../mirror/tree.ts';
import { MirrorMailbox } from './mirror-mailbox.ts';
import { type AppendMessage, type Mailbox, type MailboxStatus, Refusal, type SelectedMailbox, type Session } from './session.ts';

export interface MirrorSessionOptions {
  mirror: Mirror;
  originals: Originals;
  address: string;
  /** Called once. */
  onClose(): void;
}

export class MirrorSession implements Session {
  readonly address: string;
  readonly #mirror: Mirror;
  readonly #originals: Originals;
  readonly #onClose: () => void;
  #closed = false;

  constructor({ mirror, originals, address, onClose }: MirrorSessionOptions) {
    this.address = address;
    this.#mirror = mirror;
    this.#originals = originals;
    this.#onClose = onClose;
  }

  mailboxes(): Mailbox[] {
    return [...this.#mirror.tree.list];
  }

  find(name: string): Mailbox | undefined {
    return this.#mirror.tree.find(name);
  }

  status(mailbox: Mailbox): MailboxStatus {
    return { ...this.#mirror.live(this.#current(mailbox).row.id).status() };
  }

  select(mailbox: Mailbox, readOnly: boolean): SelectedMailbox {
    return new MirrorMailbox(this.#mirror, this.#originals, this.#current(mailbox), readOnly);
  }

  create(name: string, specialUse: string | null): Promise<Mailbox> {
    return createMailbox(this.#mirror, name, specialUse);
  }

  delete(name: string): Promise<void> {
    return deleteMailbox(this.#mirror, name);
  }

  rename(from: string, to: string): Promise<void> {
    return renameMailbox(this.#mirror, from, to);
  }

  setSubscribed(name: string, subscribed: boolean): Promise<void> {
    return subscribeMailbox(this.#mirror, name, subscribed);
  }

  /** Large messages one after the other; the commits together and in order, as MULTIAPPEND wants its uids. */
  async append(name: string, messages: AppendMessage[]): Promise<{ uidvalidity: number; uids: number[] }> {
    const { row, uidvalidity } = targetMailbox(this.#mirror, name);
    const prepared: [AppendMessage, PreparedAppend][] = [];
    for (const message of messages) {
      prepared.push([message, await prepareAppend(this.#mirror, row.id, message).catch((error) => this.#mirror.refuse(error))]);
    }
    const uids = await Promise.all(prepared.map(([message, append]) => this.#commit(message, append)));
    return { uidvalidity, uids };
  }

  refresh(): Promise<void> {
    return this.#mirror.refresh();
  }

  /** A session that cannot become ready is closed, for nobody will use it. */
  async ready(): Promise<void> {
    try {
      await this.#mirror.ready();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }

  /** A blob that the edge swept away between put and commit is put once more. */
  async #commit(message: AppendMessage, { operation, payload }: PreparedAppend): Promise<number> {
    const submitted = (): Promise<OperationResult> =>
      this.#mirror.commits.submit(operation, payload).catch((error: unknown) => this.#mirror.refuse(error));
    let result = await submitted();
    if (!result.ok && result.error === 'blobNotFound') {
      await putBlob(this.#mirror, operation.sha256, message.body, operation.index.size).catch((error) => this.#mirror.refuse(error));
      result = await submitted();
    }
    const accepted = accept(result, tryCreate);
    if (payload) void this.#originals.remember(this.#mirror.account, operation.sha256, payload);
    return accepted.uids?.[0]?.[1] ?? 0;
  }

  /** The mailbox as it is now: names and counts may have changed since the command looked it up. */
  #current(mailbox: Mailbox): TreeMailbox {
    const current = this.#mirror.tree.get(Number(mailbox.id.slice(1)));
    if (!current) throw new Refusal('NONEXISTENT', 'No such mailbox');
    return current;
  }
}
