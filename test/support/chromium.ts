/** Where a Chromium may lie; browser tests are left out, and said to be, where there is none. */
import { existsSync } from 'node:fs';

const CHROMIUM_PATHS = [
  process.env.POSTHOUSE_CHROMIUM ?? '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Switches that keep Chromium offline and quiet; `--no-sandbox` because CI runs as root. */
export const CHROMIUM_ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The first Chromium found, or undefined. */
export function findChromium(): string | undefined {
  return CHROMIUM_PATHS.find(existsSync);
}
