/** Fills a mailbox quickly: many messages to one APPEND (RFC 3502). */
import type { ImapClient } from '../support/imap-client.ts';

/** Messages of one APPEND: our bound. */
const APPENDED = 32;

/** Appends all, in their order; flags as IMAP text. Throws when the server refuses. */
export async function appendAll(
  client: ImapClient,
  mailbox: string,
  messages: readonly { raw: Uint8Array; flags?: string }[],
): Promise<void> {
  for (let first = 0; first < messages.length; first += APPENDED) {
    const literals = messages.slice(first, first + APPENDED).map(({ raw, flags }) => {
      const octets = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1');
      return `${flags === undefined ? '' : ` (${flags})`} {${raw.length}+}\r\n${octets}`;
    });
    const { status, text } = await client.command(`APPEND ${mailbox}${literals.join('')}`);
    if (status !== 'OK') throw new Error(`APPEND: ${text}`);
  }
}
