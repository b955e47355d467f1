/** DSNs and MDNs that arrive find their submission (RFC 8621 §7): deliveryStatus, dsnBlobIds, mdnBlobIds. */
import { beforeEach, describe, expect, test } from 'vitest';
import { composeMdn } from '../../../shared/mime/mdn.ts';
import { condemnUnused } from '../../../workers/store/condemned.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import { digest } from '../../support/mail.ts';
import { arrive } from './arrivals.ts';
import { accepted, latin1, mailIn, makeWorld, octets, submissionOf, type World, work, written } from './world.ts';

const FRIEND = 'Friend@elsewhere.test';
const SECOND = 'second@elsewhere.test';

let world: World;
let id: number;
beforeEach(async () => {
  world = await makeWorld();
  const raw = written(world, ['Message-ID: <sent@example.test>']);
  id = await accepted(world, raw, { rcptTo: [FRIEND, SECOND] });
  await work(world);
});

function dsn(recipient: string, action: string, status: string, diagnostic = '', messageId = 'sent@example.test'): string {
  return [
    'From: mailer-daemon@elsewhere.test',
    `To: ${world.account.address}`,
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    '',
    '--b',
    '',
    'Words.',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.elsewhere.test',
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    `Action: ${action}`,
    `Status: ${status}`,
    ...(diagnostic ? [`Diagnostic-Code: smtp; ${diagnostic}`] : []),
    '--b',
    'Content-Type: text/rfc822-headers',
    '',
    `Message-ID: <${messageId}>`,
    '',
    '--b--',
    '',
  ].join('\r\n');
}

function mdn(type: string, finalRecipient = `rfc822; ${FRIEND}`, originalMessageId = 'sent@example.test'): string {
  return latin1(
    composeMdn({
      from: { email: FRIEND },
      to: [{ email: world.account.address }],
      subject: 'Read',
      text: 'Read.',
      reportingUA: null,
      disposition: { actionMode: 'manual-action', sendingMode: 'mdn-sent-manually', type },
      originalRecipient: null,
      finalRecipient,
      originalMessageId,
      extensionFields: {},
      original: null,
    }),
  );
}

/** Reports come from nobody. */
async function report(raw: string): Promise<string> {
  await arrive(world, raw, { envelope: { mailFrom: '', rcptTo: [world.account.address] } });
  await work(world);
  return digest(octets(raw));
}

const status = async (recipient: string) => (await submissionOf(world, id)).deliveryStatus[recipient];

describe('a DSN', () => {
  test('of a failure makes delivered `no`, with the words of the other side, for that recipient alone', async () => {
    const { EmailSubmission: state } = await openMail(world.env, world.account).states();
    const sha256 = await report(dsn('friend@ELSEWHERE.test', 'failed', '5.1.1', '550 5.1.1 No such user'));
    expect(await status(FRIEND)).toEqual({ smtpReply: '550 5.1.1 No such user', delivered: 'no', displayed: 'unknown' });
    expect(await status(SECOND)).toMatchObject({ delivered: 'unknown' });
    expect((await submissionOf(world, id)).reports).toEqual([{ kind: 'dsn', sha256 }]);
    expect(await openMail(world.env, world.account).submissionChanges(state, 10)).toMatchObject({ updated: [id] });
    expect(await mailIn(world, 'inbox')).toHaveLength(1);
  });

  test('of a delivery makes it `yes`, with a reply of the RFC’s form where there was none', async () => {
    await report(dsn(FRIEND, 'delivered', '2.1.5'));
    expect(await status(FRIEND)).toMatchObject({ delivered: 'yes', smtpReply: expect.stringMatching(/^250 2\.1\.5 \S/) });
  });

  test.each(['delayed', 'relayed', 'expanded', 'nonsense'])('of the action %s is kept and changes nothing', async (action) => {
    const before = await status(FRIEND);
    await report(dsn(FRIEND, action, '4.0.0'));
    expect(await status(FRIEND)).toEqual(before);
    expect((await submissionOf(world, id)).reports).toHaveLength(1);
  });

  test('does not undo what is final', async () => {
    await report(dsn(FRIEND, 'failed', '5.1.1'));
    await report(dsn(FRIEND, 'delivered', '2.0.0'));
    expect(await status(FRIEND)).toMatchObject({ delivered: 'no' });
    expect((await submissionOf(world, id)).reports).toHaveLength(2);
  });

  test('about somebody the message was not for says nothing of the others', async () => {
    const before = (await submissionOf(world, id)).deliveryStatus;
    await report(dsn('stranger@elsewhere.test', 'failed', '5.1.1'));
    expect((await submissionOf(world, id)).deliveryStatus).toEqual(before);
  });

  test('about another message is nobody’s', async () => {
    await report(dsn(FRIEND, 'failed', '5.1.1', '', 'other@example.test'));
    expect(await submissionOf(world, id)).toMatchObject({ reports: [] });
    expect(await status(FRIEND)).toMatchObject({ delivered: 'unknown' });
  });

  test('that comes twice is kept once', async () => {
    const raw = dsn(FRIEND, 'failed', '5.1.1');
    await report(raw);
    await report(raw);
    expect((await submissionOf(world, id)).reports).toHaveLength(1);
  });

  test('of ours, made because the relay refused, is kept with its submission', async () => {
    const refused = await accepted(world, written(world), { rcptTo: [FRIEND] });
    const { FILE_RELAY: _, ...env } = world.env;
    await env.DIRECTORY.prepare("INSERT OR REPLACE INTO relay (id, kind, updated_at) VALUES (1, 'file', 0)").run();
    world.env = env;
    await work(world);
    const row = await submissionOf(world, refused);
    const [report] = await mailIn(world, 'inbox');
    expect(row.reports).toEqual([{ kind: 'dsn', sha256: report?.row.sha256 }]);
  });
});

describe('an MDN', () => {
  test('of a display makes displayed `yes` for its recipient, and leaves delivered alone', async () => {
    const before = await status(FRIEND);
    const sha256 = await report(mdn('displayed'));
    expect(await status(FRIEND)).toEqual({ ...before, displayed: 'yes' });
    expect(await status(SECOND)).toMatchObject({ displayed: 'unknown' });
    expect((await submissionOf(world, id)).reports).toEqual([{ kind: 'mdn', sha256 }]);
  });

  test.each(['deleted', 'dispatched', 'processed'])('of the disposition %s is kept and changes nothing', async (type) => {
    const before = await status(FRIEND);
    await report(mdn(type));
    expect(await status(FRIEND)).toEqual(before);
    expect((await submissionOf(world, id)).reports).toHaveLength(1);
  });

  test('stays when an attempt is recorded behind it', async () => {
    await report(mdn('displayed'));
    await openMail(world.env, world.account).updateSubmission(id, {
      deliveryStatus: { [FRIEND]: { smtpReply: '250 x', delivered: 'unknown' } },
    });
    expect(await status(FRIEND)).toEqual({ smtpReply: '250 x', delivered: 'unknown', displayed: 'yes' });
  });
});

test('a report’s original is kept for as long as the submission names it', async () => {
  const sha256 = await report(dsn(FRIEND, 'failed', '5.1.1'));
  const [email] = await mailIn(world, 'inbox');
  const mail = openMail(world.env, world.account);
  await mail.apply([{ op: 'destroyEmails', emails: [email?.row.id ?? 0] }]);
  await condemnUnused(world.env, Date.now() + 30 * 86_400_000);
  const marked = await world.env.MAIL_0.prepare('SELECT count(*) AS n FROM condemned WHERE sha256 = ?').bind(sha256).first('n');
  expect(marked).toBe(0);
  await world.env.MAIL_0.prepare('DELETE FROM submission_report WHERE sha256 = ?').bind(sha256).run();
  await world.env.MAIL_0.prepare("DELETE FROM sweep WHERE name = 'originals'").run();
  await condemnUnused(world.env, Date.now() + 30 * 86_400_000);
  expect(await world.env.MAIL_0.prepare('SELECT count(*) AS n FROM condemned WHERE sha256 = ?').bind(sha256).first('n')).toBe(1);
});
