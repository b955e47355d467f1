/**
 * IMAP sessions over an account's mirror: reads answer from memory and the mirror's file, writes go to the edge and
 * resolve when the mirror shows them (DESIGN.md, "IMAP"). Whatever fails is a `Refusal`; nothing is invented
 * when the edge is away.
 */

import type { OperationResult } from '../../shared/protocol.ts';
import { type PreparedAppend, prepareAppends, putBlob } from '../mirror/append.ts';
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

  /** Large messages one after the other; then all in one commit, so that all are stored or none (RFC 3502 §6.3.11). */
  async append(name: string, messages: AppendMessage[]): Promise<{ uidvalidity: number; uids: number[] }> {
    const { row, uidvalidity } = targetMailbox(this.#mirror, name);
    const prepared = await prepareAppends(this.#mirror, row.id, messages).catch((error: unknown) => this.#mirror.refuse(error));
    const results = await this.#commit(prepared);
    return { uidvalidity, uids: results.map((result) => accept(result, tryCreate).uids?.[0]?.[1] ?? 0) };
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

  /** Blobs that the edge swept away between put and commit are put once more. */
  async #commit(prepared: PreparedAppend[]): Promise<OperationResult[]> {
    const submitted = (): Promise<OperationResult[]> =>
      this.#mirror.commits.submitTogether(prepared).catch((error: unknown) => this.#mirror.refuse(error));
    let results = await submitted();
    if (results.some((result) => !result.ok && result.error === 'blobNotFound')) {
      for (const { operation, body } of prepared) {
        await putBlob(this.#mirror, operation.sha256, body, operation.index.size).catch((error: unknown) => this.#mirror.refuse(error));
      }
      results = await submitted();
    }
    prepared.forEach(({ operation, payload }, index) => {
      if (payload && results[index]?.ok) void this.#originals.remember(this.#mirror.account, operation.sha256, payload);
    });
    return results;
  }

  /** The mailbox as it is now: names and counts may have changed since the command looked it up. */
  #current(mailbox: Mailbox): TreeMailbox {
    const current = this.#mirror.tree.get(Number(mailbox.id.slice(1)));
    if (!current) throw new Refusal('NONEXISTENT', 'No such mailbox');
    return current;
  }
}
