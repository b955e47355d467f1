/**
 * Mail from our own users (587 and 465, RFC 6409): authenticated, from an address of theirs, given what it
 * lacks (Date, Message-ID; RFC 6409 §8), and handed to the edge; 250 means the edge has it. Its body is not
 * touched and Bcc stays for the Sent copy; the edge keeps it out of what leaves.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { SMTPServerAddress, SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import { INLINE_MESSAGE_MAX, type RecipientAnswer, type SubmitAnswer } from '../../shared/protocol.ts';
import { type Edge, EdgeRefused, EdgeUnavailable } from '../edge.ts';
import type { Log } from '../log.ts';
import type { LoggedIn } from '../login.ts';
import type { SpoolFolder } from '../spool/folder.ts';
import { fingerprint, Original } from '../spool/original.ts';
import { type Content, readContent } from './content.ts';
import type { Door } from './door.ts';
import { announcedSize, checkMailParameters, checkRcptParameters, mailboxOf } from './envelope.ts';
import { countFields, fieldsOf, withoutForgedResults } from './headers.ts';
import { sessionFacts } from './incoming.ts';
import { RECEIVED_FIELDS_MAX } from './limits.ts';
import type { Recipients } from './recipients.ts';
import { Reply } from './reply.ts';
import { formatDate, submissionTrace, type TraceFacts } from './trace.ts';

/** Submissions whose fate is unknown because the edge's answer was lost; the client's next try gets the same id. */
const UNCERTAIN_MAX = 1000;

const REFUSALS: Record<Extract<SubmitAnswer, { status: 'refused' }>['reason'], [number, string]> = {
  forbiddenFrom: [550, '5.7.1'],
  noRecipients: [554, '5.5.1'],
  unknownRecipient: [550, '5.1.1'],
  tooLarge: [552, '5.3.4'],
  overQuota: [552, '5.2.2'],
};

export interface SubmissionOptions {
  hostname: string;
  messageSizeLimit: number;
  recipients: Recipients;
  edge: Pick<Edge, 'submit' | 'putBlob'>;
  /** Large bodies lie in its folder until the edge has them. */
  spool: SpoolFolder;
  log: Log;
}

export class Submission implements Door {
  readonly #options: SubmissionOptions;
  readonly #uncertain = new Map<string, string>();

  constructor(options: SubmissionOptions) {
    this.#options = options;
  }

  async mailFrom(address: SMTPServerAddress, session: SMTPServerSession): Promise<void> {
    const { account } = userOf(session);
    checkMailParameters(address, ['AUTH']);
    address.address = mailboxOf(address, session);
    if (address.address !== '') {
      const sender = await this.#find(address.address);
      if (sender.status !== 'deliverable' || sender.account !== account) {
        throw new Reply(550, '5.7.1', 'this sender address is not yours');
      }
    }
    if (!(await this.#options.spool.hasRoom(announcedSize(address)))) {
      throw new Reply(452, '4.3.1', 'no room for the message now, try again later');
    }
  }

  async rcptTo(address: SMTPServerAddress, session: SMTPServerSession): Promise<void> {
    userOf(session);
    checkRcptParameters(address);
    address.address = mailboxOf(address, session);
    const { status } = await this.#find(address.address);
    if (status === 'unknown') throw new Reply(550, '5.1.1', 'no such mailbox here');
  }

  async data(stream: SMTPServerDataStream, session: SMTPServerSession, hangUp: (text: string) => void): Promise<string> {
    const { spool, messageSizeLimit, hostname } = this.#options;
    const user = userOf(session);
    const facts = sessionFacts(session, hostname);
    const content = await readContent(stream, {
      sizeMax: messageSizeLimit,
      path: spool.temporaryPath(facts.spoolId),
      onFlood: () => hangUp('4.3.4 message far too large'),
    });
    try {
      const submission = await this.#submit(content, facts, user);
      this.#options.log.info('submission.accepted', { account: user.account, submission, to: facts.rcptTo.length, size: content.size });
      return `2.0.0 Ok: queued as ${submission}`;
    } finally {
      await content.dispose();
    }
  }

  /** The submission's number at the edge. */
  async #submit(content: Content, facts: TraceFacts, user: LoggedIn): Promise<number> {
    const original = new Original(completeHeader(content.header, facts), content.body);
    const key = this.#uncertain.size > 0 ? await identify(content, facts, user) : '';
    const id = this.#uncertain.get(key) ?? randomUUID();
    try {
      const answer = await this.#hand(id, original, facts, user);
      this.#uncertain.delete(key);
      if (answer.status === 'accepted') return answer.submission;
      const [code, enhanced] = REFUSALS[answer.reason] ?? [554, '5.0.0'];
      throw new Reply(code, enhanced, answer.description);
    } catch (error) {
      if (error instanceof EdgeUnavailable) this.#remember(key || (await identify(content, facts, user)), id);
      throw this.#explain(error, user);
    }
  }

  async #hand(id: string, original: Original, { mailFrom, rcptTo }: TraceFacts, user: LoggedIn): Promise<SubmitAnswer> {
    const { edge } = this.#options;
    const { sha256, size, index } = await fingerprint(original);
    const bytes = size <= INLINE_MESSAGE_MAX ? original.bytes() : null;
    if (!bytes) await edge.putBlob(user.account, sha256, original.stream(), size, user.token);
    const request = { id, envelope: { mailFrom, rcptTo }, sha256, inline: bytes?.length ?? 0, index };
    return edge.submit(user.token, request, bytes ? [bytes] : []);
  }

  #remember(key: string, id: string): void {
    this.#uncertain.set(key, id);
    for (const oldest of this.#uncertain.keys()) {
      if (this.#uncertain.size <= UNCERTAIN_MAX) break;
      this.#uncertain.delete(oldest);
    }
  }

  #explain(error: unknown, user: LoggedIn): Reply {
    if (error instanceof Reply) return error;
    this.#options.log.warn('submission.failed', { account: user.account, reason: error });
    if (error instanceof EdgeRefused && error.status === 413) return new Reply(552, '5.3.4', 'message too large');
    if (error instanceof EdgeRefused && error.status === 401) return new Reply(454, '4.7.0', 'your login has expired: connect again');
    return new Reply(451, '4.3.0', 'the message cannot be taken now, try again later');
  }

  async #find(address: string): Promise<RecipientAnswer> {
    try {
      return await this.#options.recipients.find(address);
    } catch {
      throw new Reply(451, '4.3.0', 'addresses cannot be looked up now, try again later');
    }
  }
}

/** The logged-in user; smtp-server asks for AUTH too, but the rule is kept here. */
function userOf(session: SMTPServerSession): LoggedIn {
  const user: LoggedIn | undefined = session.user || undefined;
  if (!user) throw new Reply(530, '5.7.0', 'authentication required');
  return user;
}

/** Trace, Date and Message-ID where they are missing, then the header section as it came. */
export function completeHeader(header: Buffer, facts: TraceFacts): Buffer {
  const fields = countFields(header);
  if ((fields.get('received') ?? 0) > RECEIVED_FIELDS_MAX) throw new Reply(554, '5.4.6', 'mail loop: too many Received fields');
  const added = [
    submissionTrace(facts),
    fields.has('date') ? '' : `Date: ${formatDate(facts.at)}\r\n`,
    fields.has('message-id') ? '' : `Message-ID: <${randomUUID()}@${facts.hostname}>\r\n`,
    beginsWithField(header) ? '' : '\r\n',
  ];
  return Buffer.concat([Buffer.from(added.join('')), withoutForgedResults(header, facts.hostname)]);
}

/** False for text that has no header at all: an empty line has to part it from our fields. */
function beginsWithField(header: Buffer): boolean {
  const [first] = fieldsOf(header);
  return first === undefined ? header.length > 0 : first.name !== '';
}

/** Names a submission by account, envelope and content as the client sent it. */
async function identify({ header, body }: Content, { mailFrom, rcptTo }: TraceFacts, { account }: LoggedIn): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([account, mailFrom, rcptTo]));
  for await (const chunk of new Original(header, body).chunks()) hash.update(chunk);
  return hash.digest('hex');
}
