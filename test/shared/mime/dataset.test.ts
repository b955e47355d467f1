/**
 * The whole SpamAssassin corpus: nothing throws, the index agrees with the octets, and postal-mime,
 * an independent reader, sees the same subjects and the same first text.
 */
import PostalMime from 'postal-mime';
import { beforeAll, describe, expect, it } from 'vitest';
import { bodyLists, bodyTree } from '../../../shared/mime/bodylists.ts';
import { decodeGuessed, decodeText } from '../../../shared/mime/charset.ts';
import { envelopeWire } from '../../../shared/mime/envelope.ts';
import { indexMessage } from '../../../shared/mime/indexer.ts';
import { rawParameter } from '../../../shared/mime/parameters.ts';
import { bodyStructureWire } from '../../../shared/mime/structure.ts';
import { decodeTransfer } from '../../../shared/mime/transfer.ts';
import { hasDataset, loadDataset, type RealMessage } from '../../support/dataset.ts';
import { everyPart } from './support.ts';

let messages: RealMessage[] = [];
beforeAll(async () => {
  if (hasDataset) messages = await loadDataset();
}, 120_000);

/** Every tenth message for what takes postal-mime's time too. */
const sample = () => messages.filter((_, index) => index % 10 === 0);
const squeezed = (text: string) => text.replace(/[\s\ufffd\u0080-\u009f]+/g, '');

function lineBreaks(body: Uint8Array): number {
  let count = 0;
  for (let at = body.indexOf(10); at >= 0; at = body.indexOf(10, at + 1)) count++;
  return count;
}

describe.runIf(hasDataset)('real mail', () => {
  it('is indexed without exception, offsets and lines true, at a speed worth printing', { timeout: 120_000 }, () => {
    const started = process.cpuUsage();
    const indexes = messages.map(({ raw }) => indexMessage(raw));
    const { user, system } = process.cpuUsage(started);
    const octets = messages.reduce((sum, { raw }) => sum + raw.length, 0);
    const milliseconds = (user + system) / 1000;
    console.log(
      `indexed ${messages.length} messages, ${(octets / 1e6).toFixed(1)} MB: ${(milliseconds / messages.length).toFixed(2)} ms of CPU each, ${(octets / 1000 / milliseconds).toFixed(1)} MB/s`,
    );
    expect(messages.length).toBe(6046);
    indexes.forEach((index, at) => {
      const raw = messages[at]?.raw ?? new Uint8Array(0);
      for (const part of everyPart(index.structure)) {
        const body = raw.subarray(part.bodyStart, part.end);
        const breaks = lineBreaks(body);
        expect(part.lines).toBe(breaks);
      }
      expect(envelopeWire(index.headers).startsWith('(')).toBe(true);
      expect(bodyStructureWire(index.structure, true).startsWith('(')).toBe(true);
    });
  });

  it('has the subjects postal-mime reads', { timeout: 120_000 }, async () => {
    const different: string[] = [];
    for (const { name, raw } of sample()) {
      const { subject } = await PostalMime.parse(raw);
      if (squeezed(subject ?? '') !== squeezed(indexMessage(raw).subject))
        different.push(`${name}: ${subject} / ${indexMessage(raw).subject}`);
    }
    expect(different).toEqual([]);
  });

  it('has the text postal-mime reads in its first part', { timeout: 120_000 }, async () => {
    const different: string[] = [];
    for (const { name, raw } of sample()) {
      const parsed = await PostalMime.parse(raw);
      const [first] = bodyLists(bodyTree(indexMessage(raw).structure)).textBody;
      if (first?.part.subtype !== 'plain' || parsed.text === undefined) continue;
      const octets = decodeTransfer(raw.subarray(first.part.bodyStart, first.part.end), first.part.encoding);
      const charset = rawParameter(first.part.parameters, 'charset');
      // Undeclared 8-bit: postal-mime reads UTF-8 whatever it is, we fall back to windows-1252.
      if (!charset && octets.some((octet) => octet > 0x7f)) continue;
      const text = squeezed(charset ? decodeText(octets, charset) : decodeGuessed(octets));
      if (!squeezed(parsed.text).startsWith(text)) different.push(name);
    }
    expect(different).toEqual([]);
  });
});
