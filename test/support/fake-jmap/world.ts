/**
 * A made-up mailbox of any size for looking at the webmail: the same number always gives the same mail, and a
 * message is only made when it is asked for, so 100,000 cost nothing at the start.
 */
export interface FakeAddress {
  name: string | null;
  email: string;
}
export interface FakePart {
  partId: string;
  blobId: string;
  size: number;
  name: string | null;
  type: string;
  disposition: string | null;
  cid: string | null;
}
export interface FakeEmail {
  id: string;
  blobId: string;
  threadId: string;
  mailboxIds: Record<string, true>;
  keywords: Record<string, true>;
  from: FakeAddress[];
  to: FakeAddress[];
  cc: FakeAddress[];
  bcc: FakeAddress[];
  replyTo: FakeAddress[] | null;
  subject: string;
  preview: string;
  receivedAt: string;
  sentAt: string;
  size: number;
  messageId: string[];
  inReplyTo: string[] | null;
  references: string[] | null;
  hasAttachment: boolean;
  textBody: FakePart[];
  htmlBody: FakePart[];
  attachments: FakePart[];
  bodyValues: Record<string, { value: string; isTruncated: boolean; isEncodingProblem: boolean }>;
}

export const ME: FakeAddress = { name: 'Mei Lindqvist', email: 'me@example.test' };
const PEOPLE: FakeAddress[] = [
  { name: 'Anna Bergström', email: 'anna@nordlicht.example' },
  { name: '王小明', email: 'xiaoming.wang@example.cn' },
  { name: 'Okafor, Chidi', email: 'chidi@okafor.example' },
  { name: 'GitHub', email: 'notifications@github.example' },
  { name: 'Deutsche Bahn', email: 'tickets@bahn.example' },
  { name: '李娜', email: 'lina@yizhan.example' },
  { name: null, email: 'root@db-7.internal.example' },
  { name: 'Priya Raman', email: 'priya@raman.example' },
  { name: 'The Weekly Letter', email: 'letter@weekly.example' },
  { name: 'João Figueiredo', email: 'joao@figueiredo.example' },
];
const SUBJECTS = [
  'Minutes of Tuesday’s meeting',
  '关于下周出差安排的确认',
  'Invoice 2026-1183',
  '[posthouse/core] Fix the order of EXPUNGE responses (#214)',
  'Your ticket to Hamburg, 24 November',
  '请查收:季度报告初稿',
  'Cron <backup@db-7> nightly snapshot finished',
  'Re: the shape of the reading pane',
  'Seven essays on slowness',
  'Dinner on Friday?',
];
const LINES = [
  'Thanks for the notes. I went through them on the train and have three small remarks, none of them urgent.',
  '你好,附件是我们讨论过的方案,请在周三之前给我反馈。谢谢!',
  'The numbers for October are in. We are four percent above the plan, mostly because of the new contracts in the north.',
  'Could you have a look at the draft before we send it out? See https://example.org/drafts/42?a=1&b=2 for the current state.',
  'Everything is booked. The reservation code is XK-2291; you can change seats until an hour before departure.',
];

export const DAY = 86_400_000;

export function part(type: string, text: string, id = '1'): FakePart {
  return { partId: id, blobId: `Btext${id}`, size: text.length, name: null, type, disposition: null, cid: null };
}

let serial = 0;

/** An email with sensible defaults; `html` adds an alternative. */
export function makeEmail(given: Partial<FakeEmail> & { id: string }, text: string, html?: string): FakeEmail {
  serial++;
  const at = given.receivedAt ?? new Date().toISOString();
  const values = { '1': { value: text, isTruncated: false, isEncodingProblem: false } };
  const htmlPart = html === undefined ? part('text/plain', text) : part('text/html', html, '2');
  return {
    blobId: `B${given.id}`,
    threadId: `T${given.id.slice(1)}`,
    mailboxIds: { Finbox: true },
    keywords: {},
    from: [PEOPLE[0] ?? ME],
    to: [ME],
    cc: [],
    bcc: [],
    replyTo: null,
    subject: '',
    preview: (text || (html ?? '').replace(/<style.*?<\/style>|<[^>]*>/gs, ' ')).replace(/\s+/g, ' ').slice(0, 200),
    receivedAt: at,
    sentAt: at,
    size: text.length + 2000,
    messageId: [`${given.id}.${serial}@example.test`],
    inReplyTo: null,
    references: null,
    hasAttachment: false,
    textBody: text === '' && html !== undefined ? [htmlPart] : [part('text/plain', text)],
    htmlBody: [htmlPart],
    attachments: [],
    bodyValues: html === undefined ? values : { ...values, '2': { value: html, isTruncated: false, isEncodingProblem: false } },
    ...given,
  };
}

/** Message number `n` (0 is the newest) of the generated mail. */
export function generated(n: number, now: number): FakeEmail {
  const person = PEOPLE[(n * 7 + (n >> 3)) % PEOPLE.length] ?? ME;
  const body = [0, 1, 2].map((line) => LINES[(n * 3 + line * 2) % LINES.length]).join('\n\n');
  return makeEmail(
    {
      id: `M${n}`,
      from: [person],
      subject: SUBJECTS[(n * 3 + (n >> 2)) % SUBJECTS.length] ?? '',
      keywords: { ...(n % 5 === 0 && n < 400 ? {} : { $seen: true as const }), ...(n % 17 === 3 ? { $flagged: true as const } : {}) },
      receivedAt: new Date(now - n * 47 * 60_000 - (n % 13) * 60_000).toISOString(),
    },
    `${body}\n\n${person.name ?? ''}`,
  );
}

export { PEOPLE };
