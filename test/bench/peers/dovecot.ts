/** Debian's Dovecot with a Maildir, otherwise as it comes; run by root with its own users, or by anybody with theirs. */
import { chown, mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Recipe } from './peer.ts';

export const PASSWORD = 'posthouse-demo';
/** `nobody`: Dovecot gives no mail to root. */
const OWNER = 65_534;

const { uid, gid, username } = os.userInfo();
const isRoot = uid === 0;

export const dovecot: Recipe = {
  name: 'Dovecot',
  program: '/usr/sbin/dovecot',
  install: 'apt-get install dovecot-imapd',
  args: (folder) => ['-F', '-c', path.join(folder, 'dovecot.conf')],
  files: (folder, port) => ({
    'dovecot.conf': [
      `base_dir = ${folder}/run`,
      `state_dir = ${folder}/run`,
      `log_path = ${folder}/log`,
      'protocols = imap',
      'listen = 127.0.0.1',
      'ssl = no',
      'disable_plaintext_auth = no',
      `mail_location = maildir:${folder}/mail/Maildir`,
      'first_valid_uid = 1',
      'first_valid_gid = 1',
      `passdb {\n driver = static\n args = password=${PASSWORD}\n}`,
      `userdb {\n driver = static\n args = uid=${isRoot ? OWNER : uid} gid=${isRoot ? OWNER : gid} home=${folder}/mail allow_all_users=yes\n}`,
      `service imap-login {\n${isRoot ? '' : ' chroot =\n'} inet_listener imap {\n  port = ${port}\n }\n inet_listener imaps {\n  port = 0\n }\n}`,
      ...(isRoot ? [] : rootless()),
      '',
    ].join('\n'),
  }),
  async prepare(folder) {
    await mkdir(path.join(folder, 'mail'));
    if (isRoot) await chown(path.join(folder, 'mail'), OWNER, OWNER);
  },
};

function rootless(): string[] {
  return [
    `default_internal_user = ${username}`,
    `default_login_user = ${username}`,
    `default_internal_group = ${os.userInfo().gid}`,
    'service anvil {\n chroot =\n}',
  ];
}
