/** The programs of `npm run interop` and the Debian packages that bring them. */
import { spawnSync } from 'node:child_process';

export const PROGRAMS = {
  mbsync: { command: 'mbsync', package: 'isync' },
  offlineimap: { command: 'offlineimap', package: 'offlineimap3' },
  neomutt: { command: 'neomutt', package: 'neomutt' },
  python: { command: '/usr/bin/python3', package: 'python3' },
  curl: { command: 'curl', package: 'curl' },
  dovecot: { command: '/usr/sbin/dovecot', package: 'dovecot-imapd' },
} as const;

/** Whether a program is there; its tests are left out otherwise, and `npm run interop` says so. */
export function isInstalled(program: keyof typeof PROGRAMS): boolean {
  return spawnSync('sh', ['-c', `command -v ${PROGRAMS[program].command}`]).status === 0;
}
