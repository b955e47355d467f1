/** Debian's Postfix as it comes, taking mail for example.test into a Maildir. Its master starts only as root, in a session of its own. */
import { execFile } from 'node:child_process';
import { chown, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Recipe } from './peer.ts';

const run = promisify(execFile);
/** `nobody`: the Maildir's owner may not be root. */
const OWNER = 65_534;

export const postfix: Recipe = {
  name: 'Postfix',
  program: '/usr/sbin/postfix',
  install: 'apt-get install postfix',
  args: (folder) => ['-c', folder, 'start-fg'],
  stop: (folder) => run('/usr/sbin/postfix', ['-c', folder, 'stop']),
  files: (folder, port) => ({
    'main.cf': [
      'compatibility_level = 3.6',
      `queue_directory = ${folder}/queue`,
      `data_directory = ${folder}/data`,
      `maillog_file_prefixes = ${folder}`,
      `maillog_file = ${folder}/log`,
      'inet_interfaces = 127.0.0.1',
      'inet_protocols = ipv4',
      'myhostname = mail.example.test',
      'mydestination =',
      'smtpd_tls_security_level = none',
      'virtual_mailbox_domains = example.test',
      `virtual_mailbox_base = ${folder}/mail`,
      'virtual_mailbox_maps = static:me/',
      `virtual_uid_maps = static:${OWNER}`,
      `virtual_gid_maps = static:${OWNER}`,
      'virtual_minimum_uid = 1',
      '',
    ].join('\n'),
    'master.cf': masterServices(port),
  }),
  async prepare(folder) {
    for (const name of ['queue', 'data', 'mail']) await mkdir(path.join(folder, name));
    await chown(path.join(folder, 'mail'), OWNER, OWNER);
    await chown(path.join(folder, 'data'), await postfixUser(), 0);
    await run('/usr/sbin/postfix', ['-c', folder, 'check']);
  },
};

/** Its services, none of them in a chroot. */
function masterServices(port: number): string {
  const internal = ['cleanup unix n - n - 0', 'qmgr unix n - n 300 1', 'tlsmgr unix - - n 1000? 1', 'rewrite unix - - n - -'];
  const services = [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    ...internal.map((service) => `${service} ${service.startsWith('rewrite') ? 'trivial-rewrite' : service.split(' ')[0]}`),
    ...['bounce', 'defer', 'trace'].map((name) => `${name} unix - - n - 0 bounce`),
    'proxymap unix - - n - - proxymap',
    'error unix - - n - - error',
    'retry unix - - n - - error',
    'discard unix - - n - - discard',
    'virtual unix - n n - - virtual',
    'anvil unix - - n - 1 anvil',
    'postlog unix-dgram n - n - 1 postlogd',
  ];
  return `${services.join('\n')}\n`;
}

async function postfixUser(): Promise<number> {
  const entry = /^postfix:[^:]*:(\d+):/m.exec(await readFile('/etc/passwd', 'utf8'));
  return Number(entry?.[1] ?? 0);
}
