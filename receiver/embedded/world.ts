/**
 * The demo world of the embedded default: one domain, two people, a receiver. Made through the admin API, so
 * that a fresh clone exercises what a deployment uses; running it again changes nothing.
 */
import { AdminEdge } from '../edge-admin.ts';
import { keepSecrets, makeAppPassword, type Secrets } from './secrets.ts';

export const DEMO_DOMAIN = 'example.test';
export const DEMO_PASSWORD = 'posthouse-demo';
export const DEMO_ACCOUNTS = [
  { address: `me@${DEMO_DOMAIN}`, name: 'Me' },
  { address: `you@${DEMO_DOMAIN}`, name: 'You' },
];

/** Makes what is missing. Answers the receiver's id. */
export async function ensureWorld(url: string, secrets: Secrets, hostname: string): Promise<number> {
  const admin = new AdminEdge({ url, token: secrets.adminToken });
  await admin.ensureDomain(DEMO_DOMAIN);
  for (const { address, name } of DEMO_ACCOUNTS) {
    await admin.ensureAccount(address, secrets.demoPassword ?? DEMO_PASSWORD, { name });
    await admin.ensureAppPassword(address, 'npm start', secrets.appPasswords[address] ?? '');
  }
  return admin.ensureReceiver('local', hostname, secrets.receiverKey);
}

/**
 * Gives the demo accounts a random password before others than this machine can log in: the README's would make the
 * submission port an open relay. It stays, and is kept among the secrets; one that a person has set since is left alone.
 */
export async function retireDemoPassword(url: string, home: string, secrets: Secrets): Promise<void> {
  if (secrets.demoPassword !== undefined) return;
  const demoPassword = makeAppPassword();
  const admin = new AdminEdge({ url, token: secrets.adminToken });
  for (const { address } of DEMO_ACCOUNTS) await admin.setPassword(address, demoPassword);
  secrets.demoPassword = demoPassword;
  await keepSecrets(home, secrets);
}
