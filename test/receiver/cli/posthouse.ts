/** Runs the real command line as a process, against an admin API that records what it is asked. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';

const MAIN = path.resolve(import.meta.dirname, '../../../receiver/cli/main.ts');
export const ADMIN_TOKEN = 'the-admin-token';

export interface Asked {
  method: string;
  /** Path below `/admin`, decoded. */
  path: string;
  authorization: string | undefined;
  body: Record<string, unknown>;
}

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

type Answers = Record<string, unknown>;

/** An admin API whose answers are given as `'GET /path': body`; what is not given is a 404 with a reason. */
export class FakeAdmin {
  readonly asked: Asked[] = [];
  readonly home = mkdtempSync(path.join(os.tmpdir(), 'posthouse-cli-'));
  answers: Answers = {};
  #children = new Set<ChildProcess>();
  readonly #server = http.createServer((request, response) => this.#answer(request, response));

  async start(ready: object = {}): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.writeReady({ http: this.url, adminToken: ADMIN_TOKEN, smtp: 1, ...ready });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  writeReady(ready: object): void {
    writeFileSync(path.join(this.home, 'ready.json'), JSON.stringify(ready));
  }

  /** Writes a file into the home folder; its path. */
  file(name: string, content: string | Buffer): string {
    const file = path.join(this.home, name);
    writeFileSync(file, content);
    return file;
  }

  stop(): void {
    for (const child of this.#children) child.kill();
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** The command with these words; `stdin` is piped to it and, unless `keepOpen`, ended. */
  run(words: string[], options: { stdin?: string; keepOpen?: boolean; env?: Record<string, string> } = {}): Promise<Result> {
    const { PATH = '' } = process.env;
    const child = spawn(process.execPath, [MAIN, ...words], { env: { PATH, POSTHOUSE_HOME: this.home, ...options.env } });
    this.#children.add(child);
    const result: Result = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => {
      result.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      result.stderr += text;
    });
    child.stdin.on('error', () => {});
    child.stdin.write(options.stdin ?? '');
    if (!options.keepOpen) child.stdin.end();
    return new Promise((resolve) =>
      child.on('close', (code) => {
        this.#children.delete(child);
        resolve({ ...result, code });
      }),
    );
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const { method = '', headers } = request;
    const asked = decodeURIComponent((request.url ?? '').replace(/^\/admin/, ''));
    this.asked.push({ method, path: asked, authorization: headers.authorization, body: text === '' ? {} : JSON.parse(text) });
    const answer = this.answers[`${method} ${asked}`];
    if (answer === undefined) response.writeHead(404).end(JSON.stringify({ detail: `There is no ${asked}. Look again.` }));
    else if (answer === null) response.writeHead(204).end();
    else response.writeHead(200).end(JSON.stringify(answer));
  }
}
