/**
 * Walks through every screen of the webmail in Chromium against the fake server and writes pictures, for a person
 * to look at: `node test/webmail/screens.ts [folder] [name…]`. Names choose scenes; without them all are drawn.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { CHROMIUM_ARGUMENTS, findChromium } from '../support/chromium.ts';
import { type FakeServer, startFake } from '../support/fake-jmap/server.ts';

const VIEWS = { wide: { width: 1440, height: 900 }, middle: { width: 1024, height: 768 }, phone: { width: 390, height: 844 } };
type View = keyof typeof VIEWS;

interface Scene {
  name: string;
  messages: number;
  view: View;
  dark?: boolean;
  zh?: boolean;
  compact?: boolean;
  signedOut?: boolean;
  act: (page: Page, fake: FakeServer) => Promise<void>;
}

const settle = (page: Page) => page.waitForTimeout(350);
const row = (page: Page, text: string) => page.locator('[data-testid=conversation-row]', { hasText: text }).first().locator('.row-link');
const open = async (page: Page, text: string) => {
  await row(page, text).click();
  await page.locator('[data-testid=message]').first().waitFor();
  await settle(page);
};
const list = async (page: Page) => {
  await page.locator('[data-testid=conversation-row], [data-testid=empty]').first().waitFor();
  await settle(page);
};

const SCENES: Scene[] = [
  { name: 'login', messages: 0, view: 'wide', signedOut: true, act: settle },
  { name: 'login-phone-dark-zh', messages: 0, view: 'phone', dark: true, zh: true, signedOut: true, act: settle },
  { name: 'empty', messages: 0, view: 'wide', act: list },
  { name: 'empty-phone-zh', messages: 0, view: 'phone', zh: true, act: list },
  { name: 'three-middle-dark', messages: 3, view: 'middle', dark: true, act: list },
  { name: 'list-wide', messages: 100_000, view: 'wide', act: list },
  { name: 'list-wide-dark-zh', messages: 100_000, view: 'wide', dark: true, zh: true, act: list },
  { name: 'list-compact', messages: 1000, view: 'wide', compact: true, act: list },
  { name: 'list-phone', messages: 100_000, view: 'phone', act: list },
  { name: 'list-phone-dark-zh', messages: 1000, view: 'phone', dark: true, zh: true, act: list },
  {
    name: 'list-hover-selected',
    messages: 1000,
    view: 'wide',
    act: async (page) => {
      await list(page);
      await page.locator('.row-mark').nth(1).click();
      await page.locator('.row-mark').nth(3).click();
      await page.locator('.row').nth(4).hover();
      await settle(page);
    },
  },
  { name: 'conversation', messages: 1000, view: 'wide', act: async (page) => open(page, 'reading pane') },
  { name: 'conversation-dark', messages: 1000, view: 'wide', dark: true, act: async (page) => open(page, 'reading pane') },
  { name: 'conversation-middle-zh', messages: 1000, view: 'middle', zh: true, act: async (page) => open(page, 'reading pane') },
  { name: 'conversation-phone', messages: 1000, view: 'phone', act: async (page) => open(page, 'reading pane') },
  {
    name: 'conversation-all',
    messages: 1000,
    view: 'wide',
    act: async (page) => {
      await open(page, 'reading pane');
      await page.locator('[data-testid=message-folded]').first().click();
      await page.locator('[data-testid=message-folded]').first().click();
      await page.locator('.message-to').first().click();
      await settle(page);
    },
  },
  { name: 'newsletter', messages: 1000, view: 'wide', act: async (page) => open(page, 'Seven essays') },
  { name: 'newsletter-dark', messages: 1000, view: 'wide', dark: true, act: async (page) => open(page, 'Seven essays') },
  { name: 'newsletter-phone', messages: 1000, view: 'phone', act: async (page) => open(page, 'Seven essays') },
  { name: 'hostile', messages: 1000, view: 'wide', act: async (page) => open(page, 'You have won') },
  { name: 'long', messages: 1000, view: 'wide', act: async (page) => open(page, 'A subject that does not end') },
  { name: 'long-phone', messages: 1000, view: 'phone', act: async (page) => open(page, 'A subject that does not end') },
  { name: 'chinese-dark', messages: 1000, view: 'wide', dark: true, zh: true, act: async (page) => open(page, '关于下周') },
  {
    name: 'reply',
    messages: 1000,
    view: 'wide',
    act: async (page) => {
      await open(page, 'reading pane');
      await page.keyboard.press('a');
      await page.locator('[data-testid=compose]').waitFor();
      await settle(page);
    },
  },
  {
    name: 'compose-dark-zh',
    messages: 1000,
    view: 'middle',
    dark: true,
    zh: true,
    act: async (page) => {
      await list(page);
      await page.keyboard.press('c');
      await page.locator('input[name=to]').fill('anna@nordlicht.example, x');
      await page.keyboard.press('Enter');
      await page.locator('input[name=subject]').fill('季度报告');
      await page
        .locator('[data-testid=file-input]')
        .setInputFiles([{ name: '报告.txt', mimeType: 'text/plain', buffer: Buffer.from('x'.repeat(2000)) }]);
      await settle(page);
    },
  },
  {
    name: 'compose-phone',
    messages: 1000,
    view: 'phone',
    act: async (page) => {
      await list(page);
      await page.locator('.bottom-item').nth(2).click();
      await page.locator('input[name=to]').pressSequentially('pri');
      await settle(page);
    },
  },
  {
    name: 'drawer-phone',
    messages: 1000,
    view: 'phone',
    act: async (page) => {
      await list(page);
      await page.locator('.bottom-item').first().click();
      await settle(page);
    },
  },
  {
    name: 'settings-dark',
    messages: 1000,
    view: 'wide',
    dark: true,
    act: async (page) => {
      await list(page);
      await page.locator('[data-testid=settings]').click();
      await settle(page);
    },
  },
  {
    name: 'help',
    messages: 1000,
    view: 'wide',
    act: async (page) => {
      await list(page);
      await page.keyboard.press('?');
      await settle(page);
    },
  },
  {
    name: 'toast-move-menu',
    messages: 1000,
    view: 'wide',
    act: async (page) => {
      await open(page, 'reading pane');
      await page.keyboard.press('e');
      await settle(page);
      await page.locator('[data-testid=move]').click();
      await settle(page);
    },
  },
  {
    name: 'search-none',
    messages: 1000,
    view: 'wide',
    act: async (page) => {
      await list(page);
      await page.keyboard.press('/');
      await page.keyboard.type('zebra crossing');
      await page.keyboard.press('Enter');
      await list(page);
    },
  },
  {
    name: 'search-found',
    messages: 1000,
    view: 'wide',
    act: async (page) => {
      await list(page);
      await page.locator('[data-testid=search]').fill('from:anna reading');
      await page.keyboard.press('Enter');
      await list(page);
    },
  },
  {
    name: 'failed',
    messages: 1000,
    view: 'wide',
    act: async (page, fake) => {
      await list(page);
      fake.failWith = 503;
      await page.locator('[data-testid=folder-archive]').click();
      await settle(page);
    },
  },
  {
    name: 'loading',
    messages: 1000,
    view: 'wide',
    act: async (page, fake) => {
      await list(page);
      fake.delay = 5000;
      await row(page, 'Seven essays').click();
      await page.locator('[data-testid=folder-archive]').click();
      await page.waitForTimeout(500);
    },
  },
  {
    name: 'offline',
    messages: 1000,
    view: 'middle',
    act: async (page) => {
      await list(page);
      await page.context().setOffline(true);
      await settle(page);
    },
  },
];

/** A page that is logged in, unless the scene wants it otherwise. */
async function pageFor(browser: Browser, scene: Scene, fake: FakeServer): Promise<Page> {
  const context = await browser.newContext({
    viewport: VIEWS[scene.view],
    colorScheme: scene.dark ? 'dark' : 'light',
    locale: scene.zh ? 'zh-CN' : 'en-GB',
    hasTouch: scene.view === 'phone',
    reducedMotion: 'reduce',
  });
  if (scene.compact) await context.addInitScript(() => localStorage.setItem('posthouse.preferences', '{"density":"compact"}'));
  const page = await context.newPage();
  page.setDefaultTimeout(8_000);
  page.on('pageerror', (error) => console.error(`${scene.name}: ${error.stack}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) console.error(`${scene.name}: ${message.text()}`);
  });
  await page.goto(fake.url);
  if (!scene.signedOut) await logIn(page);
  return page;
}

async function logIn(page: Page): Promise<void> {
  await page.locator('input[name=username]').fill('me@example.test');
  await page.locator('input[name=password]').fill('posthouse-demo');
  await page.keyboard.press('Enter');
  await page.locator('[data-testid=folders]').waitFor({ state: 'attached' });
}

const [folder = 'screens', ...names] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: findChromium() ?? '', args: CHROMIUM_ARGUMENTS });
for (const scene of SCENES.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const fake = await startFake(scene.messages);
  const page = await pageFor(browser, scene, fake);
  try {
    await scene.act(page, fake);
  } catch (error) {
    console.error(`${scene.name}: ${String(error).split('\n')[0]}`);
  }
  await page.screenshot({ path: path.join(folder, `${scene.name}.png`) });
  await page.context().close();
  await fake.close();
}
await browser.close();
