/**
 * Live updates over JMAP's WebSocket (RFC 8887 §4.3): the server says "the state of type T is now S", and the
 * stores ask for what changed. A lost socket is opened again with growing pauses; whoever is told `closed`
 * falls back to asking when the window gets the focus.
 */
const FIRST_PAUSE_MS = 1_000;
/** A server that restarts must not be met by every browser at once, nor be forgotten for long. */
const LONGEST_PAUSE_MS = 60_000;

export interface PushEvents {
  changed(states: Record<string, string>): void;
  opened(): void;
  closed(): void;
}

export class Push {
  readonly #url: string;
  readonly #accountId: string;
  readonly #events: PushEvents;
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE_MS;
  #stopped = false;

  constructor(url: string, accountId: string, events: PushEvents) {
    this.#url = url;
    this.#accountId = accountId;
    this.#events = events;
  }

  /** Opens the socket now, unless it is open. Called again when the network or the window comes back. */
  start(): void {
    if (this.#stopped || this.#socket) return;
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.#url, 'jmap');
    this.#socket = socket;
    socket.onopen = () => {
      this.#pause = FIRST_PAUSE_MS;
      socket.send(JSON.stringify({ '@type': 'WebSocketPushEnable', dataTypes: ['Mailbox', 'Email', 'Thread'] }));
      this.#events.opened();
    };
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => this.#lost(socket);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
  }

  #receive(text: unknown): void {
    const states = typeof text === 'string' ? statesOf(text, this.#accountId) : null;
    if (states) this.#events.changed(states);
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#events.closed();
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.start(), this.#pause * (0.5 + Math.random()));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }
}

/** The new states a StateChange names for one account; null for any other message. */
export function statesOf(text: string, accountId: string): Record<string, string> | null {
  try {
    const message = JSON.parse(text) as { '@type'?: string; changed?: Record<string, Record<string, string>> } | null;
    return message?.['@type'] === 'StateChange' ? (message.changed?.[accountId] ?? null) : null;
  } catch {
    return null;
  }
}
