import { expect, test } from 'vitest';
import { bodyLists, bodyTree, leaves } from '../../../shared/mime/bodylists.ts';
import type { Part } from '../../../shared/mime/index-types.ts';

type Shape = [type: string, letter: string, disposition?: string] | [type: string, children: Shape[]];

/** A part whose file name is its letter; letters in lower case stand for parts without one. */
function part([type, more, disposition]: Shape): Part {
  const [main = '', subtype = ''] = type.split('/');
  const base: Part = { headerStart: 0, bodyStart: 0, end: 0, lines: 0, type: main, subtype, parameters: [], encoding: '7bit' };
  if (Array.isArray(more)) return { ...base, children: more.map(part) };
  return { ...base, id: more, ...(disposition ? { disposition: { value: disposition, parameters: [] } } : {}) };
}

function lists(shape: Shape, names: Record<string, string> = {}): Record<string, string> {
  const { textBody, htmlBody, attachments } = bodyLists(bodyTree(part(shape), ({ id = '' }) => names[id] ?? null));
  const letters = (nodes: { part: Part }[]) => nodes.map((node) => node.part.id).join('');
  return { text: letters(textBody), html: letters(htmlBody), attached: letters(attachments) };
}

test("the RFC's own example is taken apart as the RFC says", () => {
  const shape: Shape = [
    'multipart/mixed',
    [
      ['text/plain', 'A', 'inline'],
      [
        'multipart/mixed',
        [
          [
            'multipart/alternative',
            [
              [
                'multipart/mixed',
                [
                  ['text/plain', 'B', 'inline'],
                  ['image/jpeg', 'C', 'inline'],
                  ['text/plain', 'D', 'inline'],
                ],
              ],
              [
                'multipart/related',
                [
                  ['text/html', 'E'],
                  ['image/jpeg', 'F'],
                ],
              ],
            ],
          ],
          ['image/jpeg', 'G', 'attachment'],
          ['application/x-excel', 'H'],
          ['message/rfc822', 'J'],
        ],
      ],
      ['text/plain', 'K', 'inline'],
    ],
  ];
  expect(lists(shape)).toEqual({ text: 'ABCDK', html: 'AEK', attached: 'CFGHJ' });
});

test.each<[string, Shape, Record<string, string>]>([
  ['one text', ['text/plain', 'A'], { text: 'A', html: 'A', attached: '' }],
  ['one HTML', ['text/html', 'A'], { text: 'A', html: 'A', attached: '' }],
  ['one attachment', ['application/pdf', 'A'], { text: '', html: '', attached: 'A' }],
  [
    'an alternative at the top with pictures',
    [
      'multipart/alternative',
      [
        ['text/plain', 'A'],
        [
          'multipart/related',
          [
            ['text/html', 'B'],
            ['image/png', 'C'],
          ],
        ],
      ],
    ],
    { text: 'A', html: 'B', attached: 'C' },
  ],
  ['an alternative of HTML alone', ['multipart/alternative', [['text/html', 'A']]], { text: 'A', html: 'A', attached: '' }],
  [
    'an alternative with a calendar',
    [
      'multipart/alternative',
      [
        ['text/plain', 'A'],
        ['text/html', 'B'],
        ['text/calendar', 'C'],
      ],
    ],
    { text: 'A', html: 'B', attached: 'C' },
  ],
  ['an empty multipart', ['multipart/mixed', []], { text: '', html: '', attached: '' }],
])('%s', (_name, shape, expected) => {
  expect(lists(shape)).toEqual(expected);
});

test('a text with a file name behind the first part is an attachment', () => {
  const shape: Shape = [
    'multipart/mixed',
    [
      ['text/plain', 'A'],
      ['text/plain', 'B'],
      ['text/plain', 'C'],
    ],
  ];
  expect(lists(shape, { C: 'notes.txt', A: 'a.txt', B: '' })).toEqual({ text: 'AB', html: 'AB', attached: 'C' });
});

test('parts are named as IMAP numbers them, and an enclosed message is a leaf', () => {
  const inner = { ...part(['message/rfc822', 'M']), children: [part(['text/plain', 'X'])] };
  const root = { ...part(['multipart/mixed', []]), children: [part(['multipart/related', [['text/html', 'A']]]), inner] };
  expect(leaves(bodyTree(root, () => null)).map(({ partId, type }) => [partId, type])).toEqual([
    ['1.1', 'text/html'],
    ['2', 'message/rfc822'],
  ]);
});
