/** What the webmail makes of a message's text before it is shown. */
import { describe, expect, test } from 'vitest';
import { type Box, guessHeight } from '../../workers/webmail/reading/height.ts';
import { blocksOf, linkify, safeHref } from '../../workers/webmail/reading/plain.ts';

const hrefs = (text: string) => linkify(text).flatMap((piece) => (typeof piece === 'string' ? [] : [piece.href]));

describe('links in plain text', () => {
  test('end before the punctuation of the sentence', () => {
    expect(
      hrefs('See https://example.org/a?b=1, and https://example.org/x. 地址 https://example.cn/3\u3002 https://example.cn/4\uff0c好'),
    ).toEqual(['https://example.org/a?b=1', 'https://example.org/x', 'https://example.cn/3', 'https://example.cn/4']);
  });

  test('are made of addresses, too', () => {
    expect(hrefs('write to anna@example.org!')).toEqual(['mailto:anna@example.org']);
  });

  test('lose no character of the text around them', () => {
    const text = 'a https://example.org/ b <https://example.org/c> d';
    expect(
      linkify(text)
        .map((piece) => (typeof piece === 'string' ? piece : piece.text))
        .join(''),
    ).toBe(text);
  });

  test('follow http, https and mailto only', () => {
    expect(safeHref('javascript:alert(1)')).toBeNull();
    expect(safeHref(' JaVaScRiPt:alert(1)')).toBeNull();
    expect(safeHref('data:text/html,x')).toBeNull();
    expect(safeHref('//example.org/')).toBeNull();
    expect(safeHref('mailto:a@example.org')).toBe('mailto:a@example.org');
    expect(hrefs('javascript:alert(1) file:///etc/passwd')).toEqual([]);
  });

  test('are found in linear time in hostile text', () => {
    const started = performance.now();
    linkify(`${'a.'.repeat(60_000)}@`);
    linkify(`https://${')'.repeat(150_000)}`);
    linkify('a@'.repeat(90_000));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('blocks of plain text', () => {
  test('take the attribution line into the quote', () => {
    const blocks = blocksOf('I like it.\n\nOn Fri, Anna <anna@example.org> wrote:\n> here is\n> the sketch\n');
    expect(blocks).toEqual([
      { kind: 'text', text: 'I like it.' },
      { kind: 'quote', text: 'On Fri, Anna <anna@example.org> wrote:\n> here is\n> the sketch' },
    ]);
  });

  test('keep answers between quotes in order', () => {
    expect(blocksOf('> one\nyes\n> two\nno').map(({ kind }) => kind)).toEqual(['quote', 'text', 'quote', 'text']);
  });

  test('set the signature apart', () => {
    expect(blocksOf('Bye\n-- \nAnna\n> not a quote').at(-1)).toEqual({ kind: 'signature', text: '-- \nAnna\n> not a quote' });
  });

  test('of an empty text are none', () => {
    expect(blocksOf('\r\n \r\n')).toEqual([]);
  });
});

describe('the guessed height of HTML', () => {
  const text = (value: string): Box => ({ nodeType: 3, nodeName: '#text', nodeValue: value, childNodes: [] });
  const element = (nodeName: string, childNodes: Box[] = [], attributes: Record<string, string> = {}): Box => ({
    nodeType: 1,
    nodeName,
    nodeValue: null,
    childNodes,
    getAttribute: (name) => attributes[name] ?? null,
  });

  test('grows with the text and with a narrower frame', () => {
    const long = element('DIV', [text('word '.repeat(400))]);
    expect(guessHeight(long, 640)).toBeGreaterThan(400);
    expect(guessHeight(long, 320)).toBeGreaterThan(1.6 * guessHeight(long, 640));
  });

  test('counts table cells beside each other, not below', () => {
    const cell = () => element('TD', [text('word '.repeat(50))]);
    const row = guessHeight(element('TR', [cell(), cell()]), 600);
    expect(row).toBeLessThan(guessHeight(element('DIV', [element('DIV', [cell()]), element('DIV', [cell()])]), 300));
  });

  test('is a number whatever widths a message claims', () => {
    const cell = element('TD', [element('IMG', [], { width: '0', height: '0' }), text('word')], { width: '0' });
    expect(guessHeight(element('TABLE', [element('TR', [cell, cell])]), 600)).toBeGreaterThan(24);
  });

  test('takes given image heights, scaled to the frame', () => {
    expect(guessHeight(element('DIV', [element('IMG', [], { width: '1200', height: '600' })]), 600)).toBeLessThan(400);
  });

  test('ends for a message nested without end', () => {
    let deep = element('DIV', [text('x')]);
    for (let depth = 0; depth < 5_000; depth++) deep = element('DIV', [deep]);
    expect(guessHeight(deep, 600)).toBeGreaterThan(0);
  });
});
