/** Messages whose index is written down instead of scanned, so that tests can make thousands of them. */
import type { BridgeIndex } from '../../shared/protocol.ts';

/** A little message, different for each number. */
export function sampleMessage(number: number): string {
  return `From: a${number}@example.test\r\nSubject: Message ${number}\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n\r\nText ${number}\r\n`;
}

/** The index of a plain-text message, cheap enough to make 100,000 of. */
export function sampleIndex(raw: string): Omit<BridgeIndex, 'sha256' | 'size'> {
  const bodyStart = raw.indexOf('\r\n\r\n') + 4;
  const structure = {
    headerStart: 0,
    bodyStart,
    end: raw.length,
    lines: 1,
    type: 'text',
    subtype: 'plain',
    parameters: [],
    encoding: '7bit',
  };
  return {
    receivedAt: Date.UTC(2026, 10, 21),
    sentAt: Date.UTC(2026, 10, 21, 10),
    thread: 1,
    subject: /Subject: (.*)\r/.exec(raw)?.[1] ?? '',
    headers: raw.slice(0, bodyStart - 2),
    headersComplete: true,
    structure: { ...structure, parameters: [['charset', 'utf-8']] },
    preview: raw.slice(bodyStart).trim(),
  };
}
