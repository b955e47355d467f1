/** One SMTP client connection that sends many messages and opens again after a refusal; nodemailer speaks the protocol. */
import os from 'node:os';
import SMTPConnection from 'nodemailer/lib/smtp-connection';

/** A receiver that verifies signatures may take its 5 s of look-ups; a dead one must not hold us longer. */
const TIMEOUT_MS = 60_000;

export type Outcome = { status: 'sent' } | { status: 'refused'; reason: string };

export class SmtpSender {
  readonly #target: { host: string; port: number };
  #connection: SMTPConnection | null = null;

  constructor(target: { host: string; port: number }) {
    this.#target = target;
  }

  /** Sends one message. A recipient that is refused makes the message refused, whoever else got it. */
  async send(envelope: { from: string; to: string[] }, message: Buffer): Promise<Outcome> {
    try {
      this.#connection ??= await this.#open();
      const rejected = await transmit(this.#connection, envelope, message);
      return rejected === null ? { status: 'sent' } : { status: 'refused', reason: rejected };
    } catch (error) {
      this.#connection?.close();
      this.#connection = null;
      return { status: 'refused', reason: reasonOf(error) };
    }
  }

  /** Says QUIT. */
  async close(): Promise<void> {
    this.#connection?.quit();
    this.#connection = null;
  }

  #open(): Promise<SMTPConnection> {
    const { host, port } = this.#target;
    const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
    const timeouts = { connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS };
    const connection = new SMTPConnection({ host, port, name: os.hostname(), ignoreTLS: isLocal, ...timeouts });
    return new Promise((resolve, reject) => {
      // Later errors reach whoever is sending; without a listener they would end the process.
      connection.on('error', (error: unknown) => reject(new Error(`${host}:${port} does not take mail: ${reasonOf(error)}`)));
      connection.connect((error?: unknown) => (error ? reject(error) : resolve(connection)));
    });
  }
}

/** Null when every recipient was taken, else the first refusal. Rejects when the message itself was not taken. */
function transmit(connection: SMTPConnection, envelope: { from: string; to: string[] }, message: Buffer): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Error('the connection was lost'));
    connection.once('end', lost);
    connection.send({ ...envelope, size: message.length }, message, (error, info) => {
      connection.off('end', lost);
      if (error) reject(error);
      else resolve(info && info.rejected.length > 0 ? reasonOf(info.rejectedErrors?.[0] ?? 'a recipient was refused') : null);
    });
  });
}

/** The server's own words when it said any. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'response' in error && typeof error.response === 'string' ? error.response : error.message;
}
