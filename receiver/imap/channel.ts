/**
 * What a connection speaks over: TCP, then perhaps TLS (STARTTLS, RFC 9051 §6.2.1; STLS, RFC 2595 §4), then perhaps compression (RFC 4978).
 * The way in and the way out move from layer to layer together, and what came before a layer is no part of it, whoever sent it.
 */
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { endSocket } from '../listeners.ts';
import { tlsExporter } from '../sasl/exporter.ts';
import { secureLayer } from '../tls/layer.ts';
import { Compressed } from './compression.ts';
import { Incoming } from './incoming.ts';
import { Output } from './output.ts';

/** Dead peers are found by TCP, sooner than by their silence. */
const KEEPALIVE_MS = 120_000;

export interface ChannelOptions {
  /** Milliseconds of silence in both directions, after which `onSilence` is called. */
  silence: number;
  onSilence(): void;
  /** Forgets what has been received and not been understood yet. */
  forget(): void;
}

export class Channel {
  readonly incoming: Incoming;
  readonly output: Output;
  readonly #options: ChannelOptions;
  #socket: Socket;
  #compressed: Compressed | null = null;

  constructor(socket: Socket, options: ChannelOptions) {
    this.#options = options;
    this.#socket = socket;
    this.output = new Output(socket);
    this.incoming = new Incoming(socket);
    this.#watch(socket);
  }

  get compressed(): boolean {
    return this.#compressed !== null;
  }

  /** Key material that binds a login to this TLS channel (RFC 9266); null without TLS 1.3. */
  tlsExporter(): Uint8Array | null {
    return tlsExporter(this.#socket);
  }

  /** Puts TLS over what is there, before any compression; false, and everything closed, when the handshake fails. */
  async startTls(secureContext: SecureContext): Promise<boolean> {
    this.#leaveLayer();
    const secured = await secureLayer(this.#socket, secureContext);
    if (!secured) return false;
    this.#socket = secured;
    this.#watch(secured);
    this.#enterLayer(secured);
    return true;
  }

  /** Compresses both directions from here on. */
  compress(): void {
    this.#leaveLayer();
    const compressed = new Compressed(this.#socket);
    compressed.on('error', () => compressed.destroy());
    this.#compressed = compressed;
    this.#enterLayer(compressed);
  }

  /** Nothing more is read; what was written goes out, then the connection ends. */
  end(): void {
    this.incoming.close();
    this.output.flush();
    endSocket(this.#compressed ?? this.#socket);
  }

  /** Ends it at once. */
  destroy(): void {
    (this.#compressed ?? this.#socket).destroy();
  }

  #leaveLayer(): void {
    this.incoming.release();
    this.#options.forget();
    this.output.flush();
  }

  #enterLayer(layer: Socket | Compressed): void {
    this.output.moveTo(layer);
    this.incoming.moveTo(layer);
  }

  #watch(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.on('error', () => socket.destroy());
    socket.setTimeout(this.#options.silence, () => this.#options.onSilence());
  }
}
