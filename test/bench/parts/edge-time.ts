/**
 * Processor time at the edge per request: what all threads of workerd spend, one request after the other. workerd here also runs
 * D1's SQLite, R2 and the HTTP server, which Cloudflare does not count, so the budget of 10 ms is kept with room when these keep it.
 */
import { randomUUID } from 'node:crypto';
import { answerServerFirst, clientFirstBare, newNonce } from '../../../shared/scram.ts';
import { workerdPid } from '../../support/processes.ts';
import type { Figure, Part } from '../figures.ts';
import { openInboxRequest } from '../inbox-request.ts';
import { percentile } from '../measure.ts';
import { processorTime } from '../process.ts';
import { ingestAll, ingestMessage, openSignedCalls, type SignedCalls } from '../signed-calls.ts';
import { openWebSession } from '../web-session.ts';
import { letter, RECIPIENT, withPosthouse } from '../world.ts';

const BUDGET_MS = 10;
const MESSAGES = 1000;
/** Requests before the first that counts: workerd compiles what it runs often. */
const WARMING = 30;
const KB = 1024;

interface Request {
  what: string;
  /** Prepared outside the time measured. */
  prepare: (run: number) => Promise<() => Promise<unknown>>;
  /** Derives a password each time, on our side. */
  slow?: true;
}

export const edgeTime: Part = {
  name: 'edge',
  title: 'Processor time at the edge, workerd with D1 and R2 within',
  measure: ({ quick }) =>
    withPosthouse(async (posthouse) => {
      const calls = await openSignedCalls(posthouse);
      await ingestAll(calls, quick ? 100 : MESSAGES, (number) => letter(number, 4 * KB));
      const web = await openWebSession(posthouse.ready);
      const pid = await workerdPid(posthouse);
      const figures: Figure[] = [];
      for (const request of [...receiverRequests(calls, posthouse.ready.accounts[0]?.password ?? ''), inboxRequest(web)]) {
        figures.push(...(await measureRequest(pid, request, quick ? 10 : request.slow ? 50 : 200)));
      }
      web.close();
      calls.close();
      return figures;
    }),
};

function inboxRequest({ accountId, inbox, request }: Awaited<ReturnType<typeof openWebSession>>): Request {
  return { what: 'JMAP, open the inbox', prepare: async () => () => request(openInboxRequest(accountId, inbox)) };
}

function receiverRequests({ edge, user }: SignedCalls, password: string): Request[] {
  const ingest = (octets: number) => async (run: number) => {
    const raw = letter(run, octets);
    const messages = [ingestMessage(raw)];
    return () => edge.ingest({ messages }, [raw]);
  };
  return [
    { what: 'ingest of one message, 20 KB', prepare: ingest(20 * KB) },
    { what: 'ingest of one message, 256 KB', prepare: ingest(255 * KB) },
    {
      what: 'ingest of 32 messages, 4 KB each',
      prepare: async () => {
        const raws = Array.from({ length: 32 }, (_value, index) => letter(index, 4 * KB));
        const messages = raws.map(ingestMessage);
        return () => edge.ingest({ messages }, raws);
      },
    },
    { what: 'bridge, 500 changes', prepare: async () => () => edge.changes(user.token, '', 500) },
    { what: 'bridge, commit of one flag', prepare: flagCommit(edge, user.token) },
    { what: 'SCRAM finish', prepare: scramFinish(edge, password), slow: true },
  ];
}

/** A flag set and cleared in turn, each from the cursor the one before answered. */
function flagCommit(edge: SignedCalls['edge'], token: string): Request['prepare'] {
  let since: string | null = null;
  return async (run) => {
    since ??= await lastCursor(edge, token);
    const operation = { op: 'keywords' as const, emails: [1], [run % 2 === 0 ? 'add' : 'remove']: ['$flagged'] };
    const request = { id: randomUUID(), since, operations: [operation] };
    return async () => {
      since = (await edge.commit(token, request, [])).changes.cursor;
    };
  };
}

async function lastCursor(edge: SignedCalls['edge'], token: string): Promise<string> {
  let cursor = '';
  for (let more = true; more; ) ({ cursor, more } = await edge.changes(token, cursor, 500));
  return cursor;
}

function scramFinish(edge: SignedCalls['edge'], password: string): Request['prepare'] {
  return async () => {
    const firstBare = clientFirstBare(RECIPIENT, newNonce());
    const { exchange, serverFirst } = await edge.scramStart({ username: RECIPIENT, clientFirstBare: firstBare });
    const answer = await answerServerFirst(password, firstBare, serverFirst);
    return () => edge.scramFinish({ exchange, clientFinal: answer?.clientFinal ?? '' });
  };
}

async function measureRequest(pid: number, { what, prepare }: Request, runs: number): Promise<Figure[]> {
  const spent: number[] = [];
  const waited: number[] = [];
  for (let run = 0; run < runs + WARMING; run++) {
    const ask = await prepare(run);
    const [before, started] = [await processorTime(pid), performance.now()];
    await ask();
    const ended = performance.now();
    if (run < WARMING) continue;
    spent.push((await processorTime(pid)) - before);
    waited.push(ended - started);
  }
  return [
    { what: `${what}: processor, median`, ours: percentile(spent, 50), unit: 'ms' },
    { what: `${what}: processor, p95`, ours: percentile(spent, 95), unit: 'ms', budget: BUDGET_MS },
    { what: `${what}: request to answer, p95`, ours: percentile(waited, 95), unit: 'ms' },
  ];
}
