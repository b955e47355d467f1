/** The decoder: however the octets are cut, the same commands come out; whatever the octets are, it never throws. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Decoder, type DecoderEvent, DISCARD_MAX, LITERAL_IN_MEMORY_MAX, TEXT_MAX } from '../../../../receiver/imap/wire/decoder.ts';

const LIMIT = 1000;

/** Events as plain values; chunks of one literal joined, because where they are cut is not part of the meaning. */
function decode(chunks: Uint8Array[], limit = () => LIMIT): unknown[] {
  const decoder = new Decoder(limit);
  const events: unknown[] = [];
  for (const chunk of chunks) {
    decoder.write(chunk);
    for (let event = decoder.next(); event; event = decoder.next()) events.push(plain(event));
  }
  return events;
}

function plain(event: DecoderEvent): unknown {
  if (event.kind !== 'command') return { ...event };
  const parts = event.parts.map((part) =>
    typeof part === 'string' ? part : { size: part.size, text: Buffer.from(part.bytes ?? []).toString('latin1') },
  );
  return { kind: 'command', parts };
}

const octets = (text: string) => Buffer.from(text, 'latin1');

/** Text in which line ends, literals and quotes are frequent. */
const stream = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'a1 NOOP\r\n',
        'a {3}\r\nabc\r\n',
        'a {3+}\r\nx\ny {0}\r\n\r\n',
        '{2000}\r\n',
        'b {2000+}\r\n',
        '~{1+}\r\n\0',
        '\n',
        '\r',
        '{',
        '}',
        '"',
        '{99999999999999999999+}\r\n',
      ),
      fc.string({ maxLength: 8 }),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    ),
    { maxLength: 20 },
  )
  .map((pieces) => octets(pieces.join('')));

describe('the decoder', () => {
  test('gives the same events however the octets are cut', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400), { maxLength: 8 }), (bytes, cuts) => {
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(decode(chunks)).toEqual(decode([bytes]));
      }),
      { numRuns: 500 },
    );
  });

  test('gives the same events octet by octet', () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        expect(decode([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(decode([bytes]));
      }),
    );
  });

  test('takes a line ended by LF alone, and drops one CR before it', () => {
    expect(decode([octets('a\nb\r\nc\r\r\n')])).toEqual(['a', 'b', 'c\r'].map((text) => ({ kind: 'command', parts: [text] })));
  });

  test('asks for a literal that waits and takes one that does not', () => {
    expect(decode([octets('a {1}\r\nx b {1+}\r\ny\r\n')])).toEqual([
      { kind: 'continue' },
      { kind: 'command', parts: ['a ', { size: 1, text: 'x' }, ' b ', { size: 1, text: 'y' }, ''] },
    ]);
  });

  test('refuses a waiting literal at once and skips one that is sent anyway', () => {
    expect(decode([octets('a {1001}\r\nb NOOP\r\n')])).toEqual([
      { kind: 'refused', reason: 'literal', start: 'a ' },
      { kind: 'command', parts: ['b NOOP'] },
    ]);
    expect(decode([octets(`a {1001+}\r\n${'\n'.repeat(1001)} rest {2+}\r\n\n\n\r\nb NOOP\r\n`)])).toEqual([
      { kind: 'refused', reason: 'literal', start: 'a ' },
      { kind: 'command', parts: ['b NOOP'] },
    ]);
  });

  test('skips an overlong line and goes on behind it', () => {
    expect(decode([octets(`a ${'x'.repeat(TEXT_MAX)}\r\nb NOOP\r\n`)])).toEqual([
      { kind: 'refused', reason: 'text', start: 'a '.padEnd(256, 'x') },
      { kind: 'command', parts: ['b NOOP'] },
    ]);
  });

  test('gives up on a client that makes it throw away without end', () => {
    const decoder = new Decoder(() => LIMIT);
    const chunk = Buffer.alloc(1024 * 1024, 0x78);
    let last: DecoderEvent | null = null;
    for (let sent = 0; sent <= DISCARD_MAX + 2 * chunk.length && !last; sent += chunk.length) {
      decoder.write(chunk);
      last = decoder.next();
    }
    expect(last?.kind).toBe('fatal');
    expect(decode([octets(`a {${DISCARD_MAX + 1}+}\r\n`)])).toEqual([{ kind: 'fatal', reason: 'Literal too large' }]);
  });

  test('hands a large literal over in pieces instead of keeping it', () => {
    const size = LITERAL_IN_MEMORY_MAX + 1;
    const decoder = new Decoder(() => size);
    decoder.write(octets(`a {${size}+}\r\n`));
    expect(decoder.next()).toBeNull();
    let received = 0;
    for (let sent = 0; sent < size; sent += 65_536) {
      decoder.write(Buffer.alloc(Math.min(65_536, size - sent)));
      const event = decoder.next();
      if (event?.kind === 'chunk') received += event.chunk.length;
      if (event?.kind === 'chunk' && received === size) expect(event.last).toBe(true);
    }
    decoder.write(octets('\r\n'));
    expect(received).toBe(size);
    expect(decoder.next()).toMatchObject({ kind: 'command', parts: ['a ', { size, bytes: null }, ''] });
  });

  test('gives lines as they are while a mechanism asks', () => {
    const decoder = new Decoder(() => LIMIT);
    decoder.write(octets('abc{3}\r\nDONE\n'));
    expect([decoder.next('line'), decoder.next('line')]).toEqual([
      { kind: 'line', text: 'abc{3}' },
      { kind: 'line', text: 'DONE' },
    ]);
  });

  test('forgets what it has when told to drop', () => {
    const decoder = new Decoder(() => LIMIT);
    decoder.write(octets('a NOOP\r\nb {3}\r\nx'));
    expect(decoder.next()).toMatchObject({ kind: 'command' });
    decoder.drop();
    expect(decoder.next()).toBeNull();
    decoder.write(octets('c NOOP\r\n'));
    expect(decoder.next()).toMatchObject({ parts: ['c NOOP'] });
  });
});
