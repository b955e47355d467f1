/**
 * Settings from the environment, read once, refused loudly (DESIGN.md, "npm start"). A port of 0 asks
 * the system for a free one; the bound port is what `ready.json` and the log tell.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { normaliseDomain } from '../shared/address.ts';
import { fromHex } from '../shared/signing.ts';

export interface Ports {
  smtp: number;
  submission: number;
  submissions: number;
  imap: number;
  imaps: number;
  pop3: number;
  pop3s: number;
  metrics: number;
}

export interface Config {
  /** Absolute path of `$POSTHOUSE_HOME`. */
  home: string;
  /** Address every listener binds. */
  listen: string;
  /** The name in the banner, in Received and in Authentication-Results. */
  hostname: string;
  /** The Worker's URL. */
  edge: string;
  receiver: { id: number; key: Uint8Array };
  /** Paths of the PEM files. */
  tls: { certificate: string; key: string };
  /** Octets. */
  messageSizeLimit: number;
  /** `record`: loopback mail is never refused for its verdicts. `enforce`: it is. */
  policy: 'record' | 'enforce';
  ports: Ports;
  /** `host:port` of the resolver, or null for the system's. */
  dns: string | null;
}

type Environment = Record<string, string | undefined>;

/** A setting that cannot be used; the message says which and why. */
export class SettingError extends Error {}

/** 64 MiB: what Gmail and most providers accept, with base64's third on top, fits. */
export const MESSAGE_SIZE_LIMIT = 64 * 1024 * 1024;

/** The ports of a receiver on a VPS: the protocols' own. */
const STANDARD_PORTS: Ports = { smtp: 25, submission: 587, submissions: 465, imap: 143, imaps: 993, pop3: 110, pop3s: 995, metrics: 9187 };

/** Reads every setting of a receiver. Throws `SettingError` for the first that cannot be used. */
export function readConfig(env: Environment = process.env): Config {
  const home = readHome(env);
  return {
    home,
    listen: env.POSTHOUSE_LISTEN ?? '::',
    hostname: readHostname(env),
    edge: readUrl('POSTHOUSE_EDGE', env.POSTHOUSE_EDGE),
    receiver: readReceiverKey(required('POSTHOUSE_RECEIVER_KEY_FILE', env.POSTHOUSE_RECEIVER_KEY_FILE)),
    tls: {
      certificate: path.resolve(required('POSTHOUSE_TLS_CERT', env.POSTHOUSE_TLS_CERT)),
      key: path.resolve(required('POSTHOUSE_TLS_KEY', env.POSTHOUSE_TLS_KEY)),
    },
    messageSizeLimit: readNumber('POSTHOUSE_MESSAGE_SIZE_LIMIT', env, MESSAGE_SIZE_LIMIT, 1024),
    policy: readPolicy(env.POSTHOUSE_POLICY),
    ports: readPorts(env, STANDARD_PORTS),
    dns: env.POSTHOUSE_DNS ?? null,
  };
}

/** `$POSTHOUSE_HOME`, absolute; `.posthouse` in the working folder when unset. */
export function readHome(env: Environment): string {
  return path.resolve(env.POSTHOUSE_HOME ?? '.posthouse');
}

/** `POSTHOUSE_SMTP_PORT` and its like, over the defaults given. */
export function readPorts(env: Environment, defaults: Ports): Ports {
  const read = (name: keyof Ports) => readNumber(`POSTHOUSE_${name.toUpperCase()}_PORT`, env, defaults[name], 0, 65_535);
  return {
    smtp: read('smtp'),
    submission: read('submission'),
    submissions: read('submissions'),
    imap: read('imap'),
    imaps: read('imaps'),
    pop3: read('pop3'),
    pop3s: read('pop3s'),
    metrics: read('metrics'),
  };
}

/** A whole number setting within its bounds, or the default. */
export function readNumber(name: string, env: Environment, fallback: number, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const number = Number(text);
  if (!Number.isInteger(number) || number < min || number > max) {
    throw new SettingError(`${name} is "${text}": it must be a whole number from ${min} to ${max}`);
  }
  return number;
}

function readHostname(env: Environment): string {
  const hostname = normaliseDomain(env.POSTHOUSE_HOSTNAME ?? os.hostname());
  if (hostname === null) throw new SettingError('POSTHOUSE_HOSTNAME is no host name: set it to the name your MX record points to');
  return hostname;
}

function readPolicy(text: string | undefined): Config['policy'] {
  if (text === undefined || text === '' || text === 'record') return 'record';
  if (text === 'enforce') return 'enforce';
  throw new SettingError(`POSTHOUSE_POLICY is "${text}": it must be "record" or "enforce"`);
}

/** The file holds what `posthouse receiver add` printed: `<id>:<64 hexadecimal digits>`. */
function readReceiverKey(file: string): Config['receiver'] {
  const text = readSecretFile('POSTHOUSE_RECEIVER_KEY_FILE', file);
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (!match) throw new SettingError(`${file} is no receiver key: it must hold the line that "posthouse receiver add" printed`);
  return { id: Number(match[1]), key: fromHex(match[2] ?? '') };
}

function readSecretFile(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new SettingError(`${name} names ${file}, which cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

function readUrl(name: string, text: string | undefined): string {
  const value = required(name, text);
  if (isPrivateUrl(value)) return value;
  throw new SettingError(`${name} is "${value}": it must be an https:// URL, because tokens and mail travel over it`);
}

/** True for https, and for http that stays on this machine. */
export function isPrivateUrl(text: string): boolean {
  const url = URL.parse(text);
  const isHere = url !== null && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isHere);
}

function required(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new SettingError(`${name} is not set; docs/deploy.md says what it is`);
  return value;
}
