/**
 * The bridge contract (shared/protocol.ts) in a few arrays: what the edge keeps for an account, its feed of changes,
 * commits, push and originals, with the same methods as `Edge`. Naive on purpose: it is what the mirror is compared
 * with. Tests change mail on its side (`FakeAccount`), take it away (`away`), and lose answers (`loseCommitAnswers`).
 */
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import type { WebSocket } from 'ws';
import { EdgeRefused, EdgeUnavailable } from '../../receiver/edge.ts';
import { beginMemoryScram } from '../../receiver/imap/memory-proofs.ts';
import type { LoggedIn, Login, ProofLogin } from '../../receiver/login.ts';
import type { Bridge } from '../../receiver/mirror/bridge.ts';
import type { ChangesPage, CommitAnswer, CommitRequest, HeadsAnswer, Operation, PushMessage, SearchAnswer } from '../../shared/protocol.ts';
import { FakeAccount } from './fake-account.ts';

const YEAR_MS = 365 * 86_400_000;

/** As much of a WebSocket as the mirror's push uses. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  /** Answers no ping: a connection that died without a word. */
  silent = false;

  ping(): void {
    if (!this.silent) setImmediate(() => this.emit('pong'));
  }

  terminate(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    setImmediate(() => this.emit('close'));
  }

  tell(message: PushMessage): void {
    if (this.readyState === 1 && !this.silent) this.emit('message', Buffer.from(JSON.stringify(message)));
  }
}

export class FakeBridge implements Bridge {
  readonly accounts = new Map<number, FakeAccount>();
  /** Calls made, for tests that count them. */
  readonly calls = { changes: 0, search: 0, commit: 0, heads: 0, push: 0, getBlob: 0, putBlob: 0 };
  readonly commits: Operation[][] = [];
  /** Ranges asked of getBlob, `whole` or `offset+length`. */
  readonly reads: string[] = [];
  /** Capabilities switched off for every account. */
  imapWithout: string[] = [];
  /** Every call fails as if there were no network. */
  away = false;
  /** So many commits are done and their answers lost. */
  loseCommitAnswers = 0;
  /** Pushes are not sent. */
  mutePush = false;
  /** Resolved before each call is answered; tests replace it to hold calls back. */
  gate: (call: keyof FakeBridge['calls']) => Promise<void> = () => Promise.resolve();
  readonly refusedTokens = new Set<string>();
  readonly #issued: string[] = [];
  readonly sockets: { account: number; socket: FakeSocket }[] = [];

  /** A new account with an Inbox. */
  add(id: number): FakeAccount {
    const account = new FakeAccount((modseq) => this.#push(id, modseq));
    this.accounts.set(id, account);
    return account;
  }

  /** A login that takes `user<id>` with any password but `wrong`; `right` is the one for SCRAM and the token. */
  get login(): Login & ProofLogin {
    const verify = async (username: string, password: string): Promise<LoggedIn | null> => {
      if (this.away) throw new EdgeUnavailable('away');
      const account = Number(/^user(\d+)/.exec(username)?.[1] ?? Number.NaN);
      if (!this.accounts.has(account) || password === 'wrong') return null;
      const token = `token-${account}-${this.#issued.length}`;
      this.#issued.push(token);
      return { account, address: `${username}@example.test`, token, expires: Date.now() + YEAR_MS, imapWithout: this.imapWithout };
    };
    return {
      verify,
      scram: async (username, clientFirstBare) => {
        const user = await verify(username, 'right');
        const exchange = await beginMemoryScram(clientFirstBare, user && 'right', () => Promise.reject(new Error('not opened here')));
        const finish = async (clientFinal: string) => {
          const proven = await exchange.finish(clientFinal);
          return proven && user && { user, serverFinal: proven.serverFinal };
        };
        return { serverFirst: exchange.serverFirst, finish };
      },
      bearer: async (username, token) => (username === null ? null : verify(username, token === 'right' ? token : 'wrong')),
    };
  }

  async changes(token: string, cursor: string, limit: number): Promise<ChangesPage> {
    const account = await this.#enter('changes', token);
    return structuredClone(account.changes(cursor, limit));
  }

  async commit(token: string, request: CommitRequest, payloads: (Uint8Array | Readable)[]): Promise<CommitAnswer> {
    const account = await this.#enter('commit', token);
    const octets = payloads.filter((payload) => payload instanceof Uint8Array);
    this.commits.push(structuredClone(request.operations));
    const answer = structuredClone(account.commit(request, octets));
    if (this.loseCommitAnswers > 0) {
      this.loseCommitAnswers--;
      throw new EdgeUnavailable('the answer was lost');
    }
    return answer;
  }

  async search(token: string, scope: 'text' | 'body', text: string): Promise<SearchAnswer> {
    const account = await this.#enter('search', token);
    const emails = account.wordMatches(scope, text);
    return { words: emails !== null, emails: emails ?? [], next: null };
  }

  async heads(accounts: number[]): Promise<HeadsAnswer> {
    await this.#arrive('heads');
    return { heads: Object.fromEntries(accounts.map((id) => [String(id), this.accounts.get(id)?.modseq ?? 0])) };
  }

  async openPush(token: string): Promise<WebSocket> {
    await this.#enter('push', token);
    const socket = new FakeSocket();
    this.sockets.push({ account: accountOf(token), socket });
    return socket as unknown as WebSocket;
  }

  async getBlob(token: string, id: number, sha256: string, range?: { offset: number; length: number }): Promise<Readable> {
    const account = await this.#enter('getBlob', token);
    this.reads.push(range ? `${range.offset}+${range.length}` : 'whole');
    const blob = accountOf(token) === id ? account.blobs.get(sha256) : undefined;
    if (!blob) throw new EdgeRefused(404, 'no such blob');
    return Readable.from(blob(range?.offset ?? 0, range?.length), { objectMode: false });
  }

  async putBlob(id: number, sha256: string, stream: Readable): Promise<void> {
    await this.#arrive('putBlob');
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    this.accounts.get(id)?.putBlob(Buffer.concat(chunks), sha256);
  }

  /** Logins given out so far, all of them unless told which, are not valid any more: the pushes are cut, and whoever asks learns why. */
  endLogins(tokens: readonly string[] = this.#issued): void {
    for (const token of tokens) this.refusedTokens.add(token);
    this.cutPushes();
  }

  /** Cuts every push connection. */
  cutPushes(): void {
    for (const { socket } of this.sockets.splice(0)) socket.terminate();
  }

  async #arrive(call: keyof FakeBridge['calls']): Promise<void> {
    this.calls[call]++;
    await this.gate(call);
    if (this.away) throw new EdgeUnavailable('away');
  }

  async #enter(call: keyof FakeBridge['calls'], token: string): Promise<FakeAccount> {
    await this.#arrive(call);
    const account = this.accounts.get(accountOf(token));
    if (!account || this.refusedTokens.has(token)) throw new EdgeRefused(401, 'no such token');
    return account;
  }

  #push(account: number, modseq: number): void {
    if (this.mutePush || this.away) return;
    for (const open of this.sockets) if (open.account === account) setImmediate(() => open.socket.tell({ modseq }));
  }
}

function accountOf(token: string): number {
  return Number(token.split('-')[1]);
}
