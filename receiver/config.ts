/**
 * Settings from the environment, read once, refused loudly (DESIGN.md, "npm start"). A port of 0 asks
 * the system for a free one; the bound port is what `ready.json` and the log tell.
 */
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
  tls: { certificate: string; key: string };
  /** Octets. */
  messageSizeLimit: number;
  /** `record`: loopback mail is never refused for its verdicts. `enforce`: it is. */
  policy: 'record' | 'enforce';
  ports: { smtp: number; submission: number; submissions: number; imap: number; imaps: number; metrics: number };
  /** `host:port` of the resolver, or null for the system's. */
  dns: string | null;
}
