/** The settings of `npm start` and their defaults: loopback everywhere, ports no other program wants (DESIGN.md). */
import { MESSAGE_SIZE_LIMIT, type Ports, readHome, readNumber, readPorts } from '../config.ts';
import { isLoopback } from '../network.ts';

const EMBEDDED_PORTS: Ports = {
  smtp: 2525,
  submission: 2587,
  submissions: 2465,
  imap: 2143,
  imaps: 2993,
  pop3: 2110,
  pop3s: 2995,
  metrics: 9187,
};

export interface EmbeddedSettings {
  home: string;
  listen: string;
  /** Others than this machine can reach the mail ports: nothing that everybody knows may open them (DESIGN.md, invariant 8). */
  isReachable: boolean;
  hostname: string;
  http: number;
  ports: Ports;
  messageSizeLimit: number;
}

/** Reads them from the environment; throws `SettingError`. */
export function readEmbeddedSettings(env: Record<string, string | undefined>): EmbeddedSettings {
  const listen = env.POSTHOUSE_LISTEN ?? '127.0.0.1';
  return {
    home: readHome(env),
    listen,
    isReachable: !isLoopback(listen),
    hostname: env.POSTHOUSE_HOSTNAME ?? 'mail.example.test',
    http: readNumber('POSTHOUSE_HTTP_PORT', env, 8787, 0, 65_535),
    ports: readPorts(env, EMBEDDED_PORTS),
    messageSizeLimit: readNumber('POSTHOUSE_MESSAGE_SIZE_LIMIT', env, MESSAGE_SIZE_LIMIT, 1024),
  };
}
