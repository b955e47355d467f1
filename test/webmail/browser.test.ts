/**
 * The webmail in Chromium against the fake server: what a person does, and what hostile mail tries to do. Needs a
 * Chromium; without one these tests are left out.
 */
import { existsSync, readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ensureWebmail } from '../../receiver/embedded/webmail.ts';
import { CHROMIUM_ARGUMENTS, findChromium } from '../support/chromium.ts';
import { type FakeServer, startFake } from '../support/fake-jmap/server.ts';
import { makeEmail } from '../support/fake-jmap/world.ts';

const DIST = path.join(import.meta.dirname, '../../workers/webmail/dist');
const executablePath = findChromium();
/**
 * The rest of the world: whatever the browser asks of `*.example` connects here. The host's name stands in the
 * ClientHello; the browser's own request events miss some of a sandboxed frame's.
 */
const contacts: string[] = [];
const world = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (hello) => {
    contacts.push(hello.toString('latin1'));
    socket.destroy();
  });
});
const contacted = (host: string) => contacts.some((hello) => hello.includes(host));
let browser: Browser;
let fake: FakeServer;
let page: Page;

beforeAll(async () => {
  await ensureWebmail();
  await new Promise<void>((resolve) => world.listen(0, '127.0.0.1', resolve));
  const elsewhere = `--host-resolver-rules=MAP *.example 127.0.0.1:${(world.address() as AddressInfo).port}`;
  if (executablePath) browser = await chromium.launch({ executablePath, args: [...CHROMIUM_ARGUMENTS, elsewhere] });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  world.close();
});

test('all JavaScript for the first screen is at most 100 KB, gzipped', () => {
  const html = readFileSync(path.join(DIST, 'index.html'), 'utf8');
  const scripts = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map((match) => match[1] ?? '');
  const reached = new Set<string>();
  const follow = (file: string) => {
    if (reached.has(file) || !existsSync(file)) return;
    reached.add(file);
    const text = readFileSync(file, 'utf8');
    for (const match of text.matchAll(/(?:\bfrom|\bimport)\s*["'](\.\/[^"']+\.js)["']/g))
      follow(path.join(path.dirname(file), match[1] ?? ''));
  };
  for (const script of scripts) follow(path.join(DIST, script));
  const total = [...reached].reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
  expect(reached.size).toBeGreaterThan(0);
  expect(total).toBeLessThan(100 * 1024);
});

/** Opens the app; with `signIn` logs in by the form. */
async function openApp(messages: number, options: { signIn?: boolean; phone?: boolean } = {}): Promise<void> {
  fake = await startFake(messages);
  const viewport = options.phone ? { width: 390, height: 844 } : { width: 1440, height: 900 };
  const context = await browser.newContext({ viewport, locale: 'en-GB', hasTouch: options.phone ?? false, reducedMotion: 'reduce' });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(fake.url);
  if (options.signIn !== false) await signIn();
}

async function signIn(password = 'posthouse-demo'): Promise<void> {
  await page.getByLabel('Address').fill('me@example.test');
  await page.locator('input[name=password]').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

/** From now on the cookie is another account's, which has one message under an id the first one has too. */
async function becomeAnother(): Promise<void> {
  const other = { account: 2, address: 'other@example.test', name: 'Other' };
  await page.route('**/auth/session', async (route) => {
    const status = (await route.fetch()).status();
    await route.fulfill(status === 200 ? { json: other } : { status, json: {} });
  });
  await page.route('**/jmap/session', async (route) => {
    const text = await (await route.fetch()).text();
    await route.fulfill({ contentType: 'application/json', body: text.replace('"A1"', '"A2"') });
  });
  await page.route('**/jmap/api', async (route) => {
    const { methodCalls } = route.request().postDataJSON() as { methodCalls: [string, { accountId: string }, string][] };
    if (methodCalls.every(([, { accountId }]) => accountId === 'A2')) return route.continue();
    await route.fulfill({ json: { methodResponses: methodCalls.map(([, , id]) => ['error', { type: 'accountNotFound' }, id]) } });
  });
  fake.store.emails.clear();
  fake.store.emails.set('Mnews', makeEmail({ id: 'Mnews', subject: 'For the other one' }, 'x'));
  fake.store.touch();
}

const row = (text: string) => page.getByTestId('conversation-row').filter({ hasText: text }).first();
const open = (text: string) => row(text).locator('.row-link').click();
/** Longer than the pause before a draft is saved. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 10_000 });
const calls = (method: string) => fake.calls.filter(([name]) => name === method).map(([, args]) => args);

// On a loaded machine Chromium moves the focus late and a key press can go to a frame that is being removed: one more try.
describe.runIf(executablePath)('in Chromium', { retry: 2 }, () => {
  beforeEach(() => {
    contacts.splice(0);
  });
  afterEach(async () => {
    await page.context().close();
    await fake.close();
  });

  test('a wrong password is said to be wrong, the right one opens the inbox', async () => {
    await openApp(3, { signIn: false });
    await signIn('wrong');
    await page.getByTestId('login-problem').filter({ hasText: 'not right' }).waitFor();
    await signIn();
    await row('Seven essays').waitFor();
    expect(await page.getByTestId('conversation-row').count()).toBe(3);
  });

  test('100,000 conversations scroll with a screenful of rows, and a jump loads what is there', async () => {
    await openApp(100_000);
    await row('Seven essays').waitFor();
    const list = page.getByTestId('conversation-list');
    for (const part of [0.5, 1, 0.25]) {
      await list.evaluate((box, to) => {
        box.scrollTop = to * box.scrollHeight;
      }, part);
      await page.waitForFunction(
        () => document.querySelectorAll('.row.skeleton').length === 0 && document.querySelectorAll('.row').length > 10,
      );
      expect(await page.getByTestId('conversation-row').count()).toBeLessThan(60);
    }
    const positions = calls('Email/query').map(({ position }) => position);
    expect(positions.some((position) => Number(position) > 40_000)).toBe(true);
  });

  test('scrolling on asks by anchor', async () => {
    await openApp(1000);
    await row('Seven essays').waitFor();
    await page.getByTestId('conversation-list').evaluate((box) => {
      box.scrollTop = 45 * 64;
    });
    await page.waitForFunction(() => document.querySelector('[data-index="60"]') !== null);
    expect(calls('Email/query').at(-1)).toMatchObject({ anchorOffset: 1 });
  });

  test('hostile HTML runs nothing, loads nothing, sends nothing, and its frame has neither scripts nor our origin', async () => {
    await openApp(1000);
    let dialogs = 0;
    page.on('dialog', (dialog) => {
      dialogs++;
      void dialog.dismiss();
    });
    await open('You have won');
    const frame = page.getByTestId('message-frame');
    await frame.contentFrame().getByText('Harmless words first.').waitFor();
    const sandbox = (await frame.getAttribute('sandbox')) ?? 'allow-everything';
    expect(sandbox.split(' ').sort()).toEqual(['allow-popups', 'allow-popups-to-escape-sandbox']);
    expect(await frame.evaluate((element) => (element as HTMLIFrameElement).contentDocument)).toBeNull();
    const inner = frame.contentFrame();
    expect(await inner.locator('script, form, input, iframe, object, video, svg, math, base, link, meta[http-equiv=refresh]').count()).toBe(
      0,
    );
    const links = await inner
      .locator('a[href]')
      .evaluateAll((all) => all.map((link) => [link.getAttribute('href'), link.getAttribute('rel')]));
    expect(links).toEqual([['https://good.example/', 'noopener noreferrer']]);
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
    expect(dialogs).toBe(0);
    // Another message's images, asked for later, have been asked for: what this one could load would have been, too.
    await open('Seven essays');
    await page.getByRole('button', { name: 'Load images' }).click();
    await eventually(() => contacted('images.example')).toBe(true);
    expect(contacted('evil.example')).toBe(false);
  });

  test('remote images wait until they are asked for, for this message only', async () => {
    await openApp(1000);
    await open('Seven essays');
    await page.getByTestId('message-frame').contentFrame().getByText('This week').waitFor();
    expect(contacts).toEqual([]);
    await page.getByRole('button', { name: 'Load images' }).click();
    await eventually(() => contacted('images.example') && contacted('tracker.example')).toBe(true);
    await open('You have won');
    await page.getByTestId('remote-bar').waitFor();
    expect(contacted('evil.example')).toBe(false);
  });

  test('an image inside the message is shown, and quoted history is folded without scripts', async () => {
    await openApp(1000);
    await open('reading pane');
    const inner = page.getByTestId('message-frame').contentFrame();
    await eventually(() => inner.locator('img[src^="data:image/png"]').count()).toBe(1);
    expect(await inner.getByText('I like it.').isVisible()).toBe(false);
    await inner.locator('summary').click();
    expect(await inner.getByText('I like it.').isVisible()).toBe(true);
  });

  test('opening marks read with a patch of that keyword alone', async () => {
    await openApp(1000);
    await open('Seven essays');
    await eventually(() => calls('Email/set').at(-1)?.update).toEqual({ Mnews: { 'keywords/$seen': true } });
  });

  test('archiving takes the row away at once and undo brings it back', async () => {
    await openApp(1000);
    await row('关于').hover();
    await row('关于下周出差安排的确认').getByRole('button', { name: 'Archive' }).click();
    await page.getByTestId('toast').waitFor();
    expect(fake.store.emails.get('Mzh')?.mailboxIds).toEqual({ Farchive: true });
    await page.keyboard.press('z');
    await eventually(() => fake.store.emails.get('Mzh')?.mailboxIds).toEqual({ Finbox: true });
    await page.locator('[data-thread=Tzh]').waitFor();
  });

  test('a refused change is taken back and explained', async () => {
    await openApp(3);
    fake.store.emails.set('Mno', makeEmail({ id: 'Mno', subject: 'I refuse to move' }, 'x'));
    fake.store.touch();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await row('refuse').locator('.row-mark').click();
    await page.keyboard.press('e');
    await page.getByTestId('toast').filter({ hasText: 'may not be changed' }).waitFor();
    await row('refuse').waitFor();
  });

  test('new mail appears by push, without anyone asking', async () => {
    await openApp(3);
    await row('Seven essays').waitFor();
    fake.deliver('Just arrived');
    await row('Just arrived').waitFor();
  });

  test('a reply to all goes out in one request with its threading fields and lands in Sent', async () => {
    await openApp(1000);
    await open('reading pane');
    await page.getByTestId('reply-all').click();
    await page.getByLabel('Message', { exact: true }).fill('Agreed.');
    await page.getByTestId('file-input').setInputFiles([{ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('abc') }]);
    await page.getByTestId('compose-attachment').filter({ hasText: '3 B' }).waitFor();
    await page.getByTestId('send').click();
    await page.getByTestId('toast').filter({ hasText: 'Sent' }).waitFor();
    const parent = fake.store.emails.get('Mc3');
    const sent = [...fake.store.emails.values()].find(({ bodyValues }) => bodyValues['1']?.value === 'Agreed.');
    expect(sent).toMatchObject({ mailboxIds: { Fsent: true }, inReplyTo: parent?.messageId, threadId: 'Tconv' });
    expect(sent?.references).toEqual([...(parent?.references ?? []), ...(parent?.messageId ?? [])]);
    expect(sent?.keywords.$draft).toBeUndefined();
    expect(sent?.cc.map(({ email }) => email)).toEqual(['priya@raman.example']);
    await eventually(() => fake.store.emails.get('Mc3')?.keywords.$answered).toBe(true);
    await eventually(() => fake.store.query({ inMailbox: 'Fdrafts' }, true)).toEqual([]);
  });

  test('a refused message stays open, says why, and is kept as a draft', async () => {
    await openApp(3);
    await page.getByTestId('compose-button').click();
    await page.getByLabel('To', { exact: true }).fill('nobody@example.test');
    await page.getByLabel('Subject').fill('Hello');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('compose-problem').filter({ hasText: 'nobody at that address' }).waitFor();
    expect(fake.store.query({ inMailbox: 'Fdrafts' }, true)).toHaveLength(1);
  });

  test('what is typed is saved as one draft, and can be gone on with', async () => {
    await openApp(3);
    await page.getByTestId('compose-button').click();
    await page.getByLabel('Subject').fill('Half a thought');
    await eventually(() => fake.store.query({ inMailbox: 'Fdrafts' }, true).length).toBe(1);
    await page.getByLabel('Message', { exact: true }).fill('and the other half');
    await page.getByTestId('compose-close').click();
    await page.getByTestId('compose').waitFor({ state: 'detached' });
    expect(fake.store.query({ inMailbox: 'Fdrafts' }, true)).toHaveLength(1);
    await page.getByTestId('folder-drafts').click();
    await open('Half a thought');
    await eventually(() => page.getByLabel('Message', { exact: true }).inputValue()).toBe('and the other half');
  });

  test('an address half typed is never dropped on sending', async () => {
    await openApp(3);
    await page.getByTestId('compose-button').click();
    await page.getByLabel('To', { exact: true }).fill('anna@nordlicht.example, priya@');
    await page.getByTestId('send').click();
    await page.getByTestId('compose-problem').filter({ hasText: 'priya@' }).waitFor();
    expect(calls('EmailSubmission/set')).toEqual([]);
  });

  test('a lost session leads to the login page, and what was written is still there', async () => {
    await openApp(3);
    await page.getByTestId('compose-button').click();
    await page.getByLabel('Subject').fill('Do not lose me');
    await page.context().clearCookies();
    await page.getByTestId('login-form').waitFor();
    await signIn();
    await eventually(() => page.getByLabel('Subject').inputValue()).toBe('Do not lose me');
  });

  test('whoever logs in after another person finds nothing of theirs: no mail, no draft, no memory', async () => {
    await openApp(3);
    await open('Seven essays');
    await page.getByTestId('message').first().waitFor();
    await page.getByTestId('compose-button').click();
    await page.getByLabel('Subject').fill('Between us');
    await page.evaluate(() => Object.assign(window, { heldInMemory: true }));
    await page.context().clearCookies();
    await page.getByTestId('login-form').waitFor();
    await becomeAnother();
    await signIn();
    await row('For the other one').waitFor();
    expect(await page.evaluate(() => 'heldInMemory' in window)).toBe(false);
    expect(await page.getByTestId('compose').count()).toBe(0);
    expect(await page.getByTestId('conversation-row').count()).toBe(1);
    await page.goBack();
    await page.waitForFunction(() => document.querySelector('[data-testid=conversation-row]') !== null);
    expect(await page.getByText('Seven essays').count()).toBe(0);
  });

  test('a page whose cookie has become another person’s forgets everything', async () => {
    await openApp(3);
    await row('Seven essays').waitFor();
    await page.evaluate(() => Object.assign(window, { heldInMemory: true }));
    await becomeAnother();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await row('For the other one').waitFor();
    expect(await page.evaluate(() => 'heldInMemory' in window)).toBe(false);
  });

  test.each([['that lives'], ['that has ended already']])('logging out of a session %s leaves no mail in memory', async (session) => {
    await openApp(3);
    await row('Seven essays').waitFor();
    await page.evaluate(() => Object.assign(window, { heldInMemory: true }));
    await page.getByTestId('settings').click();
    if (session !== 'that lives') await page.route('**/auth/logout', (route) => route.fulfill({ status: 401, json: {} }));
    if (session !== 'that lives') await page.context().clearCookies();
    await page.getByText('Log out').click();
    await page.waitForFunction(() => !('heldInMemory' in window));
    await page.getByTestId('login-form').waitFor();
  });

  test('the keyboard walks, opens, selects and searches', async () => {
    await openApp(1000);
    await row('Seven essays').waitFor();
    for (const key of ['j', 'j', 'o']) await page.keyboard.press(key);
    await page.getByTestId('subject').filter({ hasText: 'Seven essays' }).waitFor();
    await page.keyboard.press('j');
    await page.getByTestId('subject').filter({ hasText: 'You have won' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('conversation').waitFor({ state: 'detached' });
    await page.keyboard.press('x');
    await page.getByTestId('selection-bar').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type('is:starred');
    await page.keyboard.press('Enter');
    await row('关于下周').waitFor();
    await page.keyboard.press('?');
    await page.getByTestId('help').waitFor();
  });

  test('on a phone the browser’s Back leads from the conversation to the list, and so does ours, without growing the history', async () => {
    await openApp(1000, { phone: true });
    await row('Seven essays').waitFor();
    const steps = await page.evaluate(() => history.length);
    for (const back of [() => page.goBack(), () => page.getByTestId('back').click()]) {
      await open('Seven essays');
      await page.getByTestId('message').waitFor();
      await back();
      await row('Seven essays').waitFor();
    }
    expect(await page.evaluate(() => history.length)).toBe(steps + 1);
  });

  test('on a phone a swipe to the left archives', async () => {
    await openApp(1000, { phone: true });
    const box = await row('Seven essays').boundingBox();
    if (!box) throw new Error('the row is not there');
    const cdp = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', x: number) =>
      cdp.send('Input.dispatchTouchEvent', { type, touchPoints: type === 'touchEnd' ? [] : [{ x, y: box.y + 30 }] });
    await touch('touchStart', 320);
    for (const x of [300, 260, 220, 180, 140]) await touch('touchMove', x);
    await touch('touchEnd', 140);
    await eventually(() => fake.store.emails.get('Mnews')?.mailboxIds).toEqual({ Farchive: true });
  });
});
