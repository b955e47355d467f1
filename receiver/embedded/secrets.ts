/**
 * The secrets of one embedded home, made on first start and the same ever after: the admin token, the receiver's
 * key, the pepper for fake salts, and the demo accounts' app passwords. All in one private file.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface Secrets {
  adminToken: string;
  /** 64 hexadecimal digits. */
  receiverKey: string;
  pepper: string;
  /** By address. */
  appPasswords: Record<string, string>;
  /** The demo accounts' own, once somebody else could reach them; until then it is the one in the README. */
  demoPassword?: string;
}

/** Reads `secrets.json` under `home`, or makes it with an app password for each address. */
export async function ensureSecrets(home: string, addresses: string[]): Promise<Secrets> {
  const file = path.join(home, 'secrets.json');
  const known = await readSecrets(file);
  const secrets: Secrets = {
    adminToken: known.adminToken ?? randomBytes(32).toString('base64url'),
    receiverKey: known.receiverKey ?? randomBytes(32).toString('hex'),
    pepper: known.pepper ?? randomBytes(32).toString('hex'),
    appPasswords: Object.fromEntries(addresses.map((address) => [address, known.appPasswords?.[address] ?? makeAppPassword()])),
    ...(known.demoPassword === undefined ? {} : { demoPassword: known.demoPassword }),
  };
  await keepSecrets(home, secrets);
  return secrets;
}

/** Writes `secrets.json` as a whole. */
export async function keepSecrets(home: string, secrets: Secrets): Promise<void> {
  const file = path.join(home, 'secrets.json');
  await writeFile(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function readSecrets(file: string): Promise<Partial<Secrets>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Partial<Secrets>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Error(`${file} cannot be read (${error instanceof Error ? error.message : error}): move it away to start with new secrets`);
  }
}

/** 128 random bits as 26 letters and digits that cannot be misread. */
export function makeAppPassword(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  return Array.from(randomBytes(26), (byte) => alphabet[byte % 32]).join('');
}
