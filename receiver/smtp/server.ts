/**
 * The three SMTP listeners: 25 for the world, 587 and 465 for our users (RFC 5321, RFC 6409, RFC 8314). They
 * share limits, TLS material and manners; what they do with mail is behind their doors.
 */

import type { Socket } from 'node:net';
import type { SMTPServerAuthentication, SMTPServerSession } from 'smtp-server';
import type { Config } from '../config.ts';
import { type Edge, EdgeUnavailable } from '../edge.ts';
import { listen } from '../listen.ts';
import type { Log } from '../log.ts';
import type { LoggedIn, Login, ProofLogin } from '../login.ts';
import type { Metrics } from '../metrics.ts';
import { isLoopback, networkOf } from '../network.ts';
import type { Spool } from '../spool/spool.ts';
import { Dns } from '../verify/dns.ts';
import type { Door } from './door.ts';
import { Incoming } from './incoming.ts';
import { StrictServer } from './internals.ts';
import { CLOSE_MS, CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, GREETING_DELAY_MS, IDLE_MS, RECIPIENTS_MAX } from './limits.ts';
import { Recipients } from './recipients.ts';
import { asReply, Reply } from './reply.ts';
import { Submission } from './submission.ts';

export interface SmtpOptions {
  config: Pick<Config, 'listen' | 'hostname' | 'messageSizeLimit' | 'dns'> & {
    ports: Pick<Config['ports'], 'smtp' | 'submission' | 'submissions'>;
  };
  edge: Pick<Edge, 'recipient' | 'submit' | 'putBlob'>;
  login: Login & Partial<ProofLogin>;
  log: Log;
  spool: Spool;
  /** Where the certificate in force comes from. */
  tls: { current(): { key: Buffer; cert: Buffer } };
  metrics?: Metrics;
}

export interface RunningSmtp {
  ports: { smtp: number; submission: number; submissions: number };
  /** New connections show the certificate in force; those that stand are not touched. */
  updateTls(): void;
  /** 421 to whoever is idle, a few seconds for messages in flight, then the end. */
  close(): Promise<void>;
}

type Kind = 'smtp' | 'submission' | 'submissions';

/** Binds the listeners. Throws when a port cannot be bound. */
export async function startSmtp(options: SmtpOptions): Promise<RunningSmtp> {
  const { config, edge, log, spool, tls } = options;
  const dns = new Dns({ server: config.dns, log });
  const recipients = new Recipients({ edge, onBack: () => spool.wake() });
  const { hostname, messageSizeLimit } = config;
  const incoming = new Incoming({ hostname, messageSizeLimit, recipients, spool: spool.folder, dns, log });
  const submission = new Submission({ hostname, messageSizeLimit, recipients, edge, spool: spool.folder, log });
  const listeners = {
    smtp: new Listener('smtp', incoming, options),
    submission: new Listener('submission', submission, options),
    submissions: new Listener('submissions', submission, options),
  };
  const close = async () => {
    await Promise.all(Object.values(listeners).map((listener) => listener.close()));
    dns.close();
  };
  try {
    const ports = {
      smtp: await listeners.smtp.listen(config.listen, config.ports.smtp),
      submission: await listeners.submission.listen(config.listen, config.ports.submission),
      submissions: await listeners.submissions.listen(config.listen, config.ports.submissions),
    };
    const updateTls = () => {
      for (const listener of Object.values(listeners)) listener.updateTls(tls.current());
    };
    return { ports, updateTls, close };
  } catch (error) {
    await close();
    throw error;
  }
}

class Listener {
  readonly #kind: Kind;
  readonly #door: Door;
  readonly #options: SmtpOptions;
  readonly #server: StrictServer;
  readonly #sockets = new Set<Socket>();
  readonly #perNetwork = new Map<string, number>();
  readonly #counted = new WeakSet<SMTPServerSession>();
  #listening = false;

  constructor(kind: Kind, door: Door, options: SmtpOptions) {
    this.#kind = kind;
    this.#door = door;
    this.#options = options;
    this.#server = this.#makeServer();
    this.#server.on('error', (error) => options.log.info('smtp.connection', { door: kind, reason: error }));
    this.#server.server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  async listen(host: string, port: number): Promise<number> {
    const bound = await listen(this.#server.server, host, port);
    this.#listening = true;
    return bound;
  }

  updateTls(material: { key: Buffer; cert: Buffer }): void {
    this.#server.updateSecureContext(material);
  }

  async close(): Promise<void> {
    if (!this.#listening) return;
    this.#listening = false;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const dismissing = setInterval(() => this.#server.dismissIdle(), 50);
    const deadline = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, CLOSE_MS);
    this.#server.dismissIdle();
    await closed;
    clearInterval(dismissing);
    clearTimeout(deadline);
  }

  #makeServer(): StrictServer {
    const { config, tls } = this.#options;
    const forUsers = this.#kind !== 'smtp';
    const localListener = isLoopback(config.listen);
    return new StrictServer(
      {
        ...tls.current(),
        minVersion: 'TLSv1.2',
        secure: this.#kind === 'submissions',
        name: config.hostname,
        heloResponse: '%s',
        size: config.messageSizeLimit,
        rejectOversized: true,
        hideENHANCEDSTATUSCODES: false,
        disabledCommands: ['WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD', ...(forUsers ? [] : ['AUTH'])],
        authMethods: ['PLAIN', 'LOGIN'],
        authRequiredMessage: '5.7.0 authentication required',
        allowInsecureAuth: localListener,
        disableReverseLookup: true,
        maxClients: CONNECTIONS_MAX,
        maxRecipients: RECIPIENTS_MAX,
        socketTimeout: IDLE_MS,
        noDelay: true,
        logger: false,
        onConnect: (session, callback) => answer(this.#connect(session), callback),
        onClose: (session) => this.#disconnect(session),
        onAuth: (auth, session, callback) => answer(this.#authenticate(auth, session), callback),
        onMailFrom: (address, session, callback) => answer(this.#door.mailFrom(address, session), callback),
        onRcptTo: (address, session, callback) => answer(this.#door.rcptTo(address, session), callback),
        onData: (stream, session, callback) => {
          const taken = this.#door.data(stream, session, (text) => this.#server.hangUp(session, text));
          answer(this.#counting(taken, session), callback);
        },
      },
      {
        greetingDelay: (remoteAddress) => (forUsers || isLoopback(remoteAddress) ? 0 : GREETING_DELAY_MS),
        login: forUsers ? proofsOf(this.#options.login) : undefined,
        plaintextAuth: (remoteAddress) => localListener && isLoopback(remoteAddress),
      },
    );
  }

  async #connect(session: SMTPServerSession): Promise<void> {
    const { remoteAddress } = session;
    const network = networkOf(remoteAddress);
    const open = (this.#perNetwork.get(network) ?? 0) + 1;
    this.#perNetwork.set(network, open);
    this.#counted.add(session);
    if (open > CONNECTIONS_PER_ADDRESS_MAX && !isLoopback(remoteAddress)) {
      throw new Reply(421, '4.7.0', 'too many connections from your address');
    }
  }

  #disconnect(session: SMTPServerSession): void {
    if (!this.#counted.delete(session)) return;
    const network = networkOf(session.remoteAddress);
    const open = (this.#perNetwork.get(network) ?? 1) - 1;
    if (open > 0) this.#perNetwork.set(network, open);
    else this.#perNetwork.delete(network);
  }

  async #authenticate(auth: SMTPServerAuthentication, session: SMTPServerSession): Promise<{ user: LoggedIn }> {
    const { username = '', password, authzid, authcid } = auth;
    const actsForAnother = Boolean(authzid && authcid && authzid !== authcid);
    try {
      const user = actsForAnother ? null : await this.#options.login.verify(username, password ?? '', session.remoteAddress);
      if (user) return { user };
    } catch (error) {
      if (!(error instanceof EdgeUnavailable)) this.#options.log.error('smtp.auth', { reason: error });
      throw new Reply(454, '4.7.0', 'logins cannot be checked now, try again later');
    }
    this.#options.log.info('smtp.auth-failed', { username, client: session.remoteAddress });
    throw new Reply(535, '5.7.8', 'wrong name or password');
  }

  async #counting(taken: Promise<string>, session: SMTPServerSession): Promise<string> {
    const { log, metrics } = this.#options;
    try {
      const text = await taken;
      metrics?.count('posthouse_smtp_messages_total', `door="${this.#kind}",result="accepted"`);
      return text;
    } catch (error) {
      metrics?.count('posthouse_smtp_messages_total', `door="${this.#kind}",result="refused"`);
      log.info('smtp.refused', { door: this.#kind, client: session.remoteAddress, reason: error });
      throw error;
    }
  }
}

/** A handler's promise as smtp-server's callback; nothing a handler throws gets past this. */
function answer<T>(promise: Promise<T>, callback: (error?: Error | null, result?: T) => void): void {
  promise.then(
    (result) => callback(null, result),
    (error) => callback(asReply(error)),
  );
}

/** Undefined for a login that knows passwords only. */
function proofsOf({ scram, bearer }: Partial<ProofLogin>): ProofLogin | undefined {
  return scram && bearer ? { scram, bearer } : undefined;
}
