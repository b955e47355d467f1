/** A lean JMAP client (RFC 8620) for timing a server: one kept connection, Basic authentication, requests one after the other. */
import http from 'node:http';

/** One method's answer: name, arguments, call id (RFC 8620 §3.4). */
type MethodAnswer = [name: string, args: Record<string, unknown>, callId: string];

const USING = ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:mail'];
const REDIRECTS_MAX = 3;

export class JmapConnection {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  readonly #authorization: string;
  #api: URL;
  accountId = '';

  private constructor(origin: string, user: string, password: string) {
    this.#api = new URL('/.well-known/jmap', origin);
    this.#authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }

  /** Reads the session resource. Throws when the server refuses the user. */
  static async open(origin: string, user: string, password: string): Promise<JmapConnection> {
    const connection = new JmapConnection(origin, user, password);
    const { apiUrl, primaryAccounts, accounts } = JSON.parse(await connection.#get(connection.#api)) as {
      apiUrl: string;
      primaryAccounts?: Record<string, string>;
      accounts: Record<string, unknown>;
    };
    connection.#api = new URL(apiUrl, origin);
    connection.accountId = primaryAccounts?.['urn:ietf:params:jmap:mail'] ?? Object.keys(accounts)[0] ?? '';
    return connection;
  }

  /** Runs method calls whose arguments lack only `accountId`; throws when one of them fails. */
  async call(...calls: [name: string, args: object][]): Promise<Record<string, unknown>[]> {
    const methodCalls = calls.map(([name, args], index) => [name, { accountId: this.accountId, ...args }, `c${index}`]);
    const { status, text } = await this.#send('POST', this.#api, JSON.stringify({ using: USING, methodCalls }));
    if (status !== 200) throw new Error(`JMAP answered ${status} ${text.slice(0, 500)}`);
    const { methodResponses } = JSON.parse(text) as { methodResponses: MethodAnswer[] };
    const failed = methodResponses.find(([name]) => name === 'error');
    if (failed) throw new Error(`JMAP answered ${JSON.stringify(failed)}`);
    return methodResponses.map(([, args]) => args);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #get(url: URL, redirects = 0): Promise<string> {
    const { status, location, text } = await this.#send('GET', url, '');
    if (location !== undefined && redirects < REDIRECTS_MAX) return this.#get(new URL(location, url), redirects + 1);
    if (status !== 200) throw new Error(`JMAP session: ${status} ${text.slice(0, 500)}`);
    return text;
  }

  #send(method: string, url: URL, body: string): Promise<{ status: number; location?: string; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: this.#authorization, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const request = http.request(url, { method, agent: this.#agent, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, location: answer.headers.location, text: Buffer.concat(chunks).toString() }),
        );
      });
      request.on('error', reject);
      request.end(body);
    });
  }
}
