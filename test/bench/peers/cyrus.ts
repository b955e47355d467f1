/**
 * Debian's Cyrus with JMAP, conversations and a Xapian index, as its manual sets them up. Its package takes Dovecot's place, so it may also lie
 * unpacked in a folder (`dpkg -x`, with the libraries it needs) that POSTHOUSE_BENCH_CYRUS names.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Recipe } from './peer.ts';

const run = promisify(execFile);
export const CYRUS_USER = 'me';
export const CYRUS_ADMIN = 'admin';
export const CYRUS_PASSWORD = 'posthouse-demo';

const root = process.env.POSTHOUSE_BENCH_CYRUS ?? '/';
const isRoot = os.userInfo().uid === 0;
const owner = isRoot ? { user: 'nobody', group: 'nogroup' } : { user: os.userInfo().username, group: String(os.userInfo().gid) };
const program = (name: string) => path.join(root, 'usr/lib/cyrus/bin', name);
const libraries = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu'].map((folder) => path.join(root, folder));
const env = {
  ...process.env,
  LD_LIBRARY_PATH: root === '/' ? '' : libraries.join(':'),
  SASL_PATH: path.join(root, 'usr/lib/x86_64-linux-gnu/sasl2'),
};

/** JMAP on the peer's port, IMAP on `imapPort`. */
export function cyrus(imapPort: number): Recipe {
  return {
    name: 'Cyrus',
    program: program('master'),
    install: 'apt-get install cyrus-imapd cyrus-caldav sasl2-bin, or unpack them and set POSTHOUSE_BENCH_CYRUS',
    env,
    args: (folder) => [
      '-D',
      '-C',
      path.join(folder, 'imapd.conf'),
      '-M',
      path.join(folder, 'cyrus.conf'),
      '-p',
      path.join(folder, 'master.pid'),
    ],
    files: (folder, port) => ({ 'imapd.conf': settings(folder), 'cyrus.conf': services(folder, port, imapPort) }),
    async prepare(folder) {
      for (const name of ['conf', 'spool', 'search', 'run']) await mkdir(path.join(folder, name));
      for (const user of [CYRUS_ADMIN, CYRUS_USER]) await addUser(folder, user);
      if (isRoot) await run('chown', ['-R', `${owner.user}:${owner.group}`, folder]);
    },
  };
}

/** Puts the words of all mail into the index, as its rolling indexer would. */
export function indexWords(folder: string): Promise<unknown> {
  return run(program('squatter'), ['-C', path.join(folder, 'imapd.conf'), '-r', `user/${CYRUS_USER}`], { env });
}

function settings(folder: string): string {
  return [
    `configdirectory: ${folder}/conf`,
    'defaultpartition: default',
    `partition-default: ${folder}/spool`,
    'search_engine: xapian',
    // All at once: after each batch squatter begins again with the first message.
    'search_batchsize: 1000000',
    'defaultsearchtier: t1',
    `t1searchpartition-default: ${folder}/search`,
    'conversations: yes',
    'conversations_db: twoskip',
    'httpmodules: jmap',
    `admins: ${CYRUS_ADMIN}`,
    `cyrus_user: ${owner.user}`,
    `cyrus_group: ${owner.group}`,
    'unixhierarchysep: yes',
    'altnamespace: yes',
    'allowplaintext: yes',
    'sasl_mech_list: PLAIN',
    'sasl_pwcheck_method: auxprop',
    'sasl_auxprop_plugin: sasldb',
    `sasl_sasldb_path: ${folder}/sasldb2`,
    `idlesocket: ${folder}/run/idle`,
    `notifysocket: ${folder}/run/notify`,
    `proc_path: ${folder}/run/proc`,
    `mboxname_lockpath: ${folder}/run/lock`,
    '',
  ].join('\n');
}

function services(folder: string, port: number, imapPort: number): string {
  const service = (name: string, command: string, at: number) =>
    `  ${name} cmd="${program(command)} -C ${folder}/imapd.conf" listen="127.0.0.1:${at}" prefork=1\n`;
  return [
    `START {\n  recover cmd="${program('ctl_cyrusdb')} -C ${folder}/imapd.conf -r"\n}\n`,
    `SERVICES {\n${service('imap', 'imapd', imapPort)}${service('http', 'httpd', port)}}\n`,
    'EVENTS {\n}\n',
  ].join('');
}

/** A user of its own password file. */
function addUser(folder: string, user: string): Promise<unknown> {
  const adding = run(path.join(root, 'usr/sbin/saslpasswd2'), ['-p', '-c', '-f', path.join(folder, 'sasldb2'), '-u', os.hostname(), user], {
    env,
  });
  adding.child.stdin?.end(`${CYRUS_PASSWORD}\n`);
  return adding;
}
