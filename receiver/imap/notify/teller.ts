/**
 * When news may be written between commands (RFC 5465 §3.1, RFC 2177): only while the connection waits for the client, one telling at
 * a time, and what one turn of the event loop brings goes out together, when the client has read what was sent before.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client } from '../client.ts';

export interface TellerOptions {
  client: Client;
  /** The connection waits for the client, between two commands or in IDLE. */
  listens(): boolean;
  /** A telling has ended. */
  onEnd(): void;
  /** A defect: nothing sensible can follow. */
  onDefect(error: unknown): void;
}

export class Teller {
  readonly #options: TellerOptions;
  #telling: Promise<void> | null = null;

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#telling !== null;
  }

  /** Resolves when nothing is being told. */
  async quiet(): Promise<void> {
    if (this.#telling) await this.#telling;
  }

  /** Something may have happened: tells it when the client listens; else the command that runs does. */
  wake(): void {
    const { client, listens, onEnd } = this.#options;
    if (this.#telling || !listens() || !(client.idling || client.notifier?.isImmediate)) return;
    this.#telling = this.#tell().finally(() => {
      this.#telling = null;
      onEnd();
    });
  }

  async #tell(): Promise<void> {
    const { client, onDefect } = this.#options;
    await nextTurn();
    await client.output.drained();
    try {
      await client.notifier?.tell(client.idling || client.notifier.request.selected?.delayed === false);
    } catch (error) {
      onDefect(error);
    }
    client.output.flush();
    if (client.selection?.destroyed) client.bye('The selected mailbox was deleted');
  }
}
