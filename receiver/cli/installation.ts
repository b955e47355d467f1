/**
 * Which Posthouse the commands talk to: a deployment named by POSTHOUSE_EDGE and
 * POSTHOUSE_ADMIN_TOKEN_FILE, else the one that `npm start` runs, found by its ready.json.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isPrivateUrl, readHome } from '../config.ts';
import { AdminEdge } from '../edge-admin.ts';
import { Failure } from './command.ts';

type Environment = Record<string, string | undefined>;

export interface Installation {
  /** The admin API. Throws `Failure` when there is no telling where it is. */
  admin(): AdminEdge;
  /** Where the embedded default takes mail; null for a deployment, whose receiver is elsewhere. */
  smtp(): { host: string; port: number } | null;
  /** A path as the person typed it, made absolute. */
  file(name: string): string;
}

/** What of ready.json the commands need. */
interface Ready {
  http: string;
  adminToken: string;
  smtp: number;
}

const LOOPBACK = '127.0.0.1';

/** Nothing is read until it is asked for. */
export function findInstallation(env: Environment): Installation {
  return {
    admin: () => new AdminEdge(isDeployment(env) ? deployment(env) : embedded(readReady(env))),
    smtp: () => (isDeployment(env) ? null : { host: LOOPBACK, port: readReady(env).smtp }),
    // npm runs scripts in the package's folder and keeps the person's own in INIT_CWD.
    file: (name) => path.resolve((env.npm_lifecycle_event && env.INIT_CWD) || process.cwd(), name),
  };
}

function isDeployment(env: Environment): boolean {
  return Boolean(env.POSTHOUSE_EDGE || env.POSTHOUSE_ADMIN_TOKEN_FILE);
}

function deployment(env: Environment): { url: string; token: string } {
  const { POSTHOUSE_EDGE: url, POSTHOUSE_ADMIN_TOKEN_FILE: file } = env;
  if (!url) throw new Failure("POSTHOUSE_ADMIN_TOKEN_FILE is set, but POSTHOUSE_EDGE is not: set it to the Worker's URL.");
  if (!file)
    throw new Failure('POSTHOUSE_EDGE is set, but POSTHOUSE_ADMIN_TOKEN_FILE is not: set it to a file that holds the admin token.');
  if (!URL.canParse(url)) throw new Failure(`POSTHOUSE_EDGE is "${url}", which is no URL. It looks like https://mail.example.org.`);
  if (!isPrivateUrl(url))
    throw new Failure(`POSTHOUSE_EDGE is "${url}": it must begin with https://, because the admin token travels over it.`);
  const token = readText(file, 'POSTHOUSE_ADMIN_TOKEN_FILE names it').trim();
  if (token === '') throw new Failure(`${file} is empty: it must hold the admin token.`);
  return { url, token };
}

function embedded(ready: Ready): { url: string; token: string } {
  return { url: ready.http, token: ready.adminToken };
}

function readReady(env: Environment): Ready {
  const file = path.join(readHome(env), 'ready.json');
  const hint = 'start Posthouse with "npm start", or set POSTHOUSE_EDGE and POSTHOUSE_ADMIN_TOKEN_FILE for a deployment';
  const text = readText(file, hint);
  const ready = parsedObject(text);
  const { http, adminToken, smtp } = ready;
  if (typeof http === 'string' && typeof adminToken === 'string' && typeof smtp === 'number') return { http, adminToken, smtp };
  throw new Failure(`${file} does not say where Posthouse listens; ${hint}.`);
}

function readText(file: string, hint: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(`${file} cannot be read (${error instanceof Error && 'code' in error ? error.code : error}); ${hint}.`);
  }
}

function parsedObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
