/**
 * The webmail against the real product: a person logs in, reads what came by SMTP, answers with an attachment, and the
 * answer leaves threaded. Needs a Chromium; `npm test` says so where there is none.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM_ARGUMENTS, findChromium } from '../support/chromium.ts';
import { countMessages, openImap, openSmtp, type Posthouse, startPosthouse, until } from '../support/posthouse.ts';

const executablePath = findChromium();

describe.runIf(executablePath !== undefined)('the webmail over the whole product', () => {
  let posthouse: Posthouse;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    posthouse = await startPosthouse();
    browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS });
    context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB', reducedMotion: 'reduce' });
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => errors.push(String(error)));
  });
  afterAll(async () => {
    await browser?.close();
    await posthouse?.dispose();
  });

  async function send(subject: string, headers = '', body = 'Hello.'): Promise<void> {
    const smtp = await openSmtp(posthouse);
    const raw = `From: Anna <anna@elsewhere.test>\r\nTo: me@example.test\r\nSubject: ${subject}\r\n${headers}\r\n${body}\r\n`;
    await smtp.send('anna@elsewhere.test', ['me@example.test'], Buffer.from(raw));
    smtp.close();
  }
  const row = (subject: string) => page.getByTestId('conversation-row').filter({ hasText: subject });

  test('a wrong password is told, the right one opens the inbox, and the session survives a reload', async () => {
    await page.goto(posthouse.ready.http);
    await page.locator('input[name=username]').fill('me@example.test');
    await page.locator('input[name=password]').fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByTestId('login-problem').waitFor();
    await page.locator('input[name=password]').fill('posthouse-demo');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByTestId('folder-inbox').waitFor();
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ name: expect.stringMatching(/^__Host-/), httpOnly: true, sameSite: 'Strict', secure: true });
    await page.reload();
    await page.getByTestId('folder-inbox').waitFor();
  });

  test('a message by SMTP appears by itself, and reading it marks it seen for IMAP too', async () => {
    await send('Live news', 'Message-ID: <live@elsewhere.test>\r\nReferences: <older@elsewhere.test>\r\n');
    await row('Live news').waitFor();
    await row('Live news').locator('.row-link').click();
    await page.getByTestId('message-text').filter({ hasText: 'Hello.' }).waitFor();
    const imap = await openImap(posthouse);
    await imap.mailboxOpen('INBOX');
    await until('\\Seen over IMAP', async () => {
      const message = await imap.fetchOne('1', { flags: true });
      return (message || undefined)?.flags?.has('\\Seen');
    });
    await imap.logout();
  });

  test('a reply with an attachment reaches the relay with In-Reply-To and References, and lies in Sent', async () => {
    await page.getByTestId('reply').first().click();
    const compose = page.getByTestId('compose');
    await compose.locator('textarea[name=body], [data-testid=body]').first().fill('My answer.');
    await page
      .getByTestId('file-input')
      .setInputFiles({ name: 'notes ü.txt', mimeType: 'text/plain', buffer: Buffer.from('attached text') });
    await page.getByTestId('compose-attachment').waitFor();
    await page.getByTestId('send').click();
    const raw = await until('the answer in sent/', () => findSent('Re: Live news'));
    expect(raw).toMatch(/^In-Reply-To: <live@elsewhere\.test>\r$/m);
    expect(raw.replace(/\r\n[ \t]+/g, ' ')).toMatch(/^References: <older@elsewhere\.test> <live@elsewhere\.test>\r$/m);
    expect(raw).toContain('My answer.');
    expect(raw).toMatch(/filename\*?=/);
    const imap = await openImap(posthouse);
    await until(
      'one copy in Sent and none in Drafts',
      async () => (await countMessages(imap, 'Sent')) === 1 && (await countMessages(imap, 'Drafts')) === 0,
    );
    await imap.logout();
  });

  test('starring and archiving reach IMAP, undo brings a message back', async () => {
    await send('To be archived');
    await row('To be archived').locator('.row-link').click();
    await page.getByTestId('subject').filter({ hasText: 'To be archived' }).waitFor();
    await page.getByTestId('archive').first().click();
    const imap = await openImap(posthouse);
    await until('the message in Archive', async () => (await countMessages(imap, 'Archive')) === 1);
    await page.getByTestId('toast').getByRole('button', { name: 'Undo' }).click();
    await until('the message back in the Inbox', async () => (await countMessages(imap, 'Archive')) === 0);
    await imap.logout();
  });

  test('hostile HTML runs no script and loads nothing', async () => {
    const html =
      '<p>Visible</p><script>parent.document.title="owned"</script><img src=x onerror="parent.document.title=\'owned\'"><img src="http://127.0.0.1:9/track.gif">';
    await send('Hostile', 'MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n', html);
    await row('Hostile').locator('.row-link').click();
    const frame = page.getByTestId('message-frame').last();
    await frame.contentFrame().getByText('Visible').waitFor();
    expect(await frame.getAttribute('sandbox')).not.toMatch(/allow-(scripts|same-origin)/);
    expect(await page.title()).not.toBe('owned');
  });

  test('search finds a Chinese word of two characters', async () => {
    await send('=?utf-8?B?5LuK5aSp55qE5aSp5rCU5b6I5aW9?=');
    await row('今天的天气很好').waitFor();
    await page.getByTestId('search').fill('天气');
    await page.getByTestId('search').press('Enter');
    await row('今天的天气很好').waitFor();
    await until('only what was found', async () => (await page.getByTestId('conversation-row').count()) === 1);
  });

  test('logging out ends the session at the server', async () => {
    await page.getByTestId('settings').click();
    await page.getByText('Log out').click();
    await page.getByTestId('login-form').waitFor();
    const status = await page.evaluate(async () => (await fetch('/auth/session')).status);
    expect(status).toBe(401);
    expect(errors).toEqual([]);
  });

  async function findSent(subject: string): Promise<string | null> {
    const folder = path.join(posthouse.home, 'sent');
    for (const name of await readdir(folder).catch(() => [])) {
      if (!name.endsWith('.eml')) continue;
      const raw = await readFile(path.join(folder, name), 'latin1');
      if (raw.includes(`Subject: ${subject}\r\n`)) return raw;
    }
    return null;
  }
});
