/** What `npm start` says once everything runs: where it listens, and commands to paste. */
import path from 'node:path';
import type { Ports } from '../config.ts';
import { DEMO_ACCOUNTS } from './world.ts';

/** The text, first line `posthouse is ready …`. */
export function greeting(home: string, http: string, ports: Ports, password: string): string {
  const [me, you] = DEMO_ACCOUNTS.map(({ address }) => address);
  const ca = shorten(path.join(home, 'tls/ca.pem'));
  return `posthouse is ready at ${http}

  webmail      ${http}   log in as ${me}, password ${password} (or ${you})
  SMTP         127.0.0.1:${ports.smtp}
  submission   127.0.0.1:${ports.submissions} (TLS), ${ports.submission} (STARTTLS)
  IMAP         127.0.0.1:${ports.imaps} (TLS), ${ports.imap} (STARTTLS)
  POP3         127.0.0.1:${ports.pop3s} (TLS), ${ports.pop3} (STLS)
  metrics      http://127.0.0.1:${ports.metrics}/metrics
  everything is kept in ${home}; mail that leaves goes to ${path.join(home, 'sent')}

  Send yourself a message, then read it:
    printf 'Subject: hello\\n\\nIt works.\\n' > /tmp/hello.eml
    npm run posthouse -- deliver /tmp/hello.eml --to ${me}
    curl --cacert ${ca} -u '${me}:${password}' 'imaps://localhost:${ports.imaps}/INBOX;UID=1'

  Ctrl-C stops it; starting it again finds all mail.
`;
}

/** Relative to where the person stands, unless that leads upwards. */
function shorten(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}
