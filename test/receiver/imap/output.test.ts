/** What goes to a client, gathered: nothing lost, nothing out of order, nothing kept while the client does not read. */
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { Output } from '../../../receiver/imap/output.ts';

const WRITE_SIZE = 64 * 1024;

/** A socket that keeps what it is given, and looks at it only when it is let. */
class Sink extends Writable {
  readonly taken: Buffer[] = [];
  readonly #held: (() => void)[] = [];
  held = false;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const take = () => {
      this.taken.push(Buffer.from(chunk));
      done();
    };
    if (this.held) this.#held.push(take);
    else take();
  }

  release(): void {
    this.held = false;
    for (const take of this.#held.splice(0)) take();
  }

  get text(): string {
    return Buffer.concat(this.taken).toString('latin1');
  }
}

function makeOutput(): { sink: Sink; output: Output } {
  const sink = new Sink({ decodeStrings: true });
  return { sink, output: new Output(sink as never) };
}

test('text and octets of any size come out in the order in which they went in', () => {
  const { sink, output } = makeOutput();
  let expected = '';
  for (let round = 0; round < 400; round++) {
    const text = `${round}:${'t'.repeat((round * 7919) % 3000)}`;
    const octets = Buffer.alloc((round * 104_729) % 200_000, `${round} `);
    output.write(text);
    output.bytes(octets);
    if (round % 17 === 0) output.flush();
    if (round % 23 === 0) output.write('x'.repeat(WRITE_SIZE));
    expected += text + octets.toString('latin1') + (round % 23 === 0 ? 'x'.repeat(WRITE_SIZE) : '');
  }
  output.flush();
  expect(sink.text === expected).toBe(true);
});

test('octets may be changed as soon as they were handed over, and buffers are taken again only when they were written', () => {
  const { sink, output } = makeOutput();
  sink.held = true;
  const octets = Buffer.alloc(10_000);
  for (let round = 0; round < 100; round++) output.bytes(octets.fill(round));
  output.flush();
  sink.release();
  const written = Buffer.concat(sink.taken);
  expect(written).toHaveLength(1_000_000);
  for (let at = 0; at < written.length; at += 5_000) expect(written[at]).toBe(Math.floor(at / 10_000));
});

test('little is gathered into few writes', () => {
  const { sink, output } = makeOutput();
  for (let round = 0; round < 1000; round++) {
    output.write('* 1 FETCH (BODY[] {100}\r\n');
    output.bytes(Buffer.alloc(100));
    output.write(')\r\n');
  }
  output.flush();
  expect(sink.taken.length).toBeLessThanOrEqual(3);
});

test('what is written after the client has gone goes nowhere', async () => {
  const { sink, output } = makeOutput();
  sink.destroy();
  await new Promise((resolve) => sink.once('close', resolve));
  output.write('too late');
  output.bytes(Buffer.from('too late'));
  output.flush();
  expect(output.closed).toBe(true);
  expect(sink.taken).toEqual([]);
});
