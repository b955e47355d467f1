/**
 * Mail from the world (port 25): for recipients the directory knows, verified, given its trace block, made
 * durable in the spool, and only then answered 250 (RFC 5321 §4.1.1.4, §6.1). Nothing is relayed, nobody
 * authenticates here, and no verdict refuses a message in this version.
 */
import type { SMTPServerAddress, SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import type { Log } from '../log.ts';
import { isLoopback, networkOf } from '../network.ts';
import { newSpoolId } from '../spool/entry.ts';
import { type SpoolFolder, SpoolFull } from '../spool/folder.ts';
import { Original } from '../spool/original.ts';
import type { Dns } from '../verify/dns.ts';
import { verify } from '../verify/verify.ts';
import { type Content, readContent } from './content.ts';
import type { Door } from './door.ts';
import { announcedSize, checkMailParameters, checkRcptParameters, mailboxOf } from './envelope.ts';
import { countFields, withoutForgedResults } from './headers.ts';
import { RECEIVED_FIELDS_MAX } from './limits.ts';
import { type Recipients, TooManyUnknown } from './recipients.ts';
import { Reply } from './reply.ts';
import { arrivalTrace, protocolName, type TraceFacts } from './trace.ts';

export interface IncomingOptions {
  hostname: string;
  messageSizeLimit: number;
  recipients: Recipients;
  spool: SpoolFolder;
  dns: Dns;
  log: Log;
}

export class Incoming implements Door {
  readonly #options: IncomingOptions;

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  async mailFrom(address: SMTPServerAddress, session: SMTPServerSession): Promise<void> {
    checkMailParameters(address);
    address.address = mailboxOf(address, session);
    if (!(await this.#options.spool.hasRoom(announcedSize(address)))) throw noRoom();
  }

  async rcptTo(address: SMTPServerAddress, session: SMTPServerSession): Promise<void> {
    checkRcptParameters(address);
    const mailbox = mailboxOf(address, session);
    address.address = mailbox.includes('@') ? mailbox : await this.#postmaster(mailbox);
    const { status } = await this.#find(address.address, countedNetwork(session));
    if (status === 'unknown') throw new Reply(550, '5.1.1', 'no such mailbox here');
    if (status === 'foreign') throw new Reply(550, '5.7.1', 'relaying denied: this server takes mail for its own domains only');
  }

  async data(stream: SMTPServerDataStream, session: SMTPServerSession, hangUp: (text: string) => void): Promise<string> {
    const { spool, messageSizeLimit, log } = this.#options;
    const facts = this.#facts(session);
    const content = await readContent(stream, {
      sizeMax: messageSizeLimit,
      path: spool.temporaryPath(facts.spoolId),
      onFlood: () => hangUp('4.3.4 message far too large'),
    });
    try {
      const entry = await this.#keep(content, facts);
      const { spoolId, size, verdicts } = entry;
      log.info('smtp.accepted', { spoolId, from: facts.mailFrom, to: facts.rcptTo.length, size, client: facts.remoteAddress, ...verdicts });
      return `2.0.0 Ok: queued as ${spoolId}`;
    } catch (error) {
      throw error instanceof SpoolFull ? noRoom() : error;
    } finally {
      await content.dispose();
    }
  }

  async #keep(content: Content, facts: TraceFacts) {
    const { hostname, dns, log, spool } = this.#options;
    const fields = countFields(content.header);
    const count = (...names: string[]) => names.reduce((sum, name) => sum + (fields.get(name) ?? 0), 0);
    if (count('received') > RECEIVED_FIELDS_MAX) throw new Reply(554, '5.4.6', 'mail loop: too many Received fields');
    const signatures = count('dkim-signature', 'arc-seal', 'arc-message-signature');
    const arrived = new Original(content.header, content.body);
    const { verdicts, field } = await verify(
      {
        // without a signature nothing looks at the body
        octets: () => (signatures === 0 ? content.header : (arrived.bytes() ?? arrived.stream())),
        headerSize: content.header.length,
        signatures,
        remoteAddress: facts.remoteAddress,
        helo: facts.helo,
        mailFrom: facts.mailFrom,
      },
      { hostname, dns, log },
    );
    const trace = Buffer.from(arrivalTrace(facts, field));
    const original = new Original(Buffer.concat([trace, withoutForgedResults(content.header, hostname)]), content.body);
    const { spoolId, mailFrom, rcptTo, remoteAddress, helo } = facts;
    return spool.add({ spoolId, envelope: { mailFrom, rcptTo }, receivedAt: Date.now(), remoteAddress, helo, verdicts }, original);
  }

  async #find(address: string, network: string | null = null) {
    try {
      return await this.#options.recipients.find(address, network);
    } catch (error) {
      if (error instanceof TooManyUnknown) throw new Reply(450, '4.7.1', 'too many unknown recipients from your network, try again later');
      throw new Reply(451, '4.3.0', 'recipients cannot be looked up now, try again later');
    }
  }

  /** RFC 5321 §4.5.1: `postmaster` without a domain is the postmaster of the domain this host serves. */
  async #postmaster(local: string): Promise<string> {
    const { hostname } = this.#options;
    const own = `${local}@${hostname}`;
    if ((await this.#find(own)).status === 'deliverable') return own;
    return `${local}@${hostname.slice(hostname.indexOf('.') + 1)}`;
  }

  #facts(session: SMTPServerSession): TraceFacts {
    return sessionFacts(session, this.#options.hostname);
  }
}

/** What the trace says about this session and its transaction. */
export function sessionFacts(session: SMTPServerSession, hostname: string): TraceFacts {
  const { envelope, secure, tlsOptions, openingCommand, hostNameAppearsAs, remoteAddress, user } = session;
  return {
    hostname,
    spoolId: newSpoolId(),
    at: Date.now(),
    helo: hostNameAppearsAs || '',
    remoteAddress,
    protocol: protocolName({ extended: openingCommand === 'EHLO', secure, authenticated: Boolean(user), utf8: Boolean(envelope.smtpUtf8) }),
    tls: tlsOptions || null,
    mailFrom: envelope.mailFrom ? envelope.mailFrom.address : '',
    rcptTo: envelope.rcptTo.map(({ address }) => address),
  };
}

/** Whose misses are counted: the client's, unless it is this machine, which only hands on. */
function countedNetwork({ remoteAddress }: SMTPServerSession): string | null {
  return isLoopback(remoteAddress) ? null : networkOf(remoteAddress);
}

function noRoom(): Reply {
  return new Reply(452, '4.3.1', 'no room for the message now, try again later');
}
