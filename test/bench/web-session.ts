/** The webmail's session from outside a browser: SCRAM over HTTP, the cookie, and JMAP requests with it. */
import http from 'node:http';
import type { ScramFinishAnswer, ScramStartAnswer } from '../../shared/protocol.ts';
import { answerServerFirst, clientFirstBare, newNonce } from '../../shared/scram.ts';

export interface WebSession {
  accountId: string;
  /** The Inbox's JMAP id. */
  inbox: string;
  /** One JMAP request; throws when it or one of its methods fails. */
  request(body: object): Promise<MethodAnswer[]>;
  close(): void;
}

/** One method's answer: name, arguments, call id (RFC 8620 §3.4). */
type MethodAnswer = [string, Record<string, unknown>, string];

interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
}

/** Logs in at the edge of that URL, as the page does. */
export async function openWebSession(origin: string, { address, password }: { address: string; password: string }): Promise<WebSession> {
  const agent = new http.Agent({ keepAlive: true });
  const post = (path: string, body: object, cookie = '') => send(new URL(path, origin), agent, JSON.stringify(body), { origin, cookie });
  const firstBare = clientFirstBare(address, newNonce());
  const start = JSON.parse((await post('/auth/scram/start', { username: address, clientFirstBare: firstBare })).text) as ScramStartAnswer;
  const proof = await answerServerFirst(password, firstBare, start.serverFirst);
  const finish = { exchange: start.exchange, clientFinal: proof?.clientFinal, session: 'cookie' };
  const entered = await post('/auth/scram/finish', finish);
  const { account } = JSON.parse(entered.text) as ScramFinishAnswer & { account: number };
  const cookie = entered.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  const accountId = `A${account}`;
  const request = async (body: object) => {
    const { status, text } = await post('/jmap/api', body, cookie);
    if (status !== 200) throw new Error(`JMAP answered ${status} ${text}`);
    const { methodResponses } = JSON.parse(text) as { methodResponses: MethodAnswer[] };
    const failed = methodResponses.find(([name]) => name === 'error');
    if (failed) throw new Error(`JMAP answered ${JSON.stringify(failed)}`);
    return methodResponses;
  };
  const [folders] = await request({
    using: ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:mail'],
    methodCalls: [['Mailbox/get', { accountId, ids: null }, 'm']],
  });
  const list = folders?.[1].list as { id: string; role: string }[];
  const inbox = list.find(({ role }) => role === 'inbox')?.id ?? '';
  return { accountId, inbox, request, close: () => agent.destroy() };
}

function send(url: URL, agent: http.Agent, body: string, headers: Record<string, string>): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const length = Buffer.byteLength(body);
    const options = { method: 'POST', agent, headers: { ...headers, 'content-type': 'application/json', 'content-length': length } };
    const request = http.request(url, options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}
