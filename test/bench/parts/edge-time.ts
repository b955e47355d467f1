/**
 * Processor time at the edge per request, one request after the other. The Worker's own share is what V8's profiler saw running in its
 * isolate; beside it stands all that workerd spends, D1's SQLite, R2 and the HTTP server among it, which Cloudflare does not count.
 * The profiler looks every sixth of a millisecond: a figure of one request is coarse, a median of hundreds is not.
 */
import { randomUUID } from 'node:crypto';
import { answerServerFirst, clientFirstBare, newNonce } from '../../../shared/scram.ts';
import { using } from '../ending.ts';
import type { Figure, Part } from '../figures.ts';
import { openInboxRequest } from '../inbox-request.ts';
import { type LocalEdge, type Profile, startEdgeAlone } from '../local-edge.ts';
import { mean, median, percentile } from '../measure.ts';
import { processorTime } from '../process.ts';
import { ingestAll, ingestMessage, openSignedCalls, type SignedCalls } from '../signed-calls.ts';
import { openWebSession } from '../web-session.ts';
import { letter, RECIPIENT } from '../world.ts';

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
  title: 'Processor time at the edge, per request',
  measure: ({ quick }) =>
    using(startEdgeAlone, closeEdge, async (edge) => {
      const calls = await openSignedCalls(edge);
      await ingestAll(calls, quick ? 100 : MESSAGES, (number) => letter(number, 4 * KB));
      const web = await openWebSession(edge.url, edge.account);
      const figures: Figure[] = [];
      for (const request of [...receiverRequests(calls, edge.account.password), inboxRequest(web)]) {
        figures.push(...(await measureRequest(edge, request, quick ? 10 : request.slow ? 50 : 200)));
      }
      web.close();
      calls.close();
      return figures;
    }),
};

function closeEdge(edge: LocalEdge): Promise<void> {
  return edge.close();
}

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
    const operation = { op: 'store' as const, mailbox: 1, uids: [1], [run % 2 === 0 ? 'add' : 'remove']: ['$flagged'] };
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

/** When a request was on its way, in microseconds of the monotonic clock, and what workerd spent meanwhile, in milliseconds. */
interface Passage {
  from: number;
  to: number;
  spent: number;
}

async function measureRequest(edge: LocalEdge, { what, prepare }: Request, runs: number): Promise<Figure[]> {
  for (let run = 0; run < WARMING; run++) await (await prepare(run))();
  const passages: Passage[] = [];
  const profile = await edge.profile(async () => {
    for (let run = 0; run < runs; run++) passages.push(await passage(edge.pid, await prepare(run)));
  });
  const own = workerTimes(profile, passages);
  return [
    { what: `${what}: the Worker, median`, ours: percentile(own, 50), unit: 'ms' },
    { what: `${what}: the Worker, p95`, ours: percentile(own, 95), unit: 'ms', budget: BUDGET_MS },
    { what: `${what}: all of workerd, mean`, ours: mean(passages.map(({ spent }) => spent)), unit: 'ms' },
    {
      what: `${what}: request to answer, p95`,
      ours: percentile(
        passages.map(({ from, to }) => (to - from) / 1000),
        95,
      ),
      unit: 'ms',
    },
  ];
}

async function passage(pid: number, ask: () => Promise<unknown>): Promise<Passage> {
  const before = await processorTime(pid);
  const from = monotonic();
  await ask();
  const to = monotonic();
  return { from, to, spent: (await processorTime(pid)) - before };
}

function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Names under which the profiler counts what is not the Worker's: nothing, and workerd outside of the isolate. */
const ELSEWHERE = new Set(['(idle)', '(program)']);

/**
 * Milliseconds the isolate ran during each passage. Between looks the profiler stands still whenever another isolate or another process
 * runs, so a gap counts as two usual steps at most.
 */
function workerTimes({ nodes, startTime, samples, timeDeltas }: Profile, passages: readonly Passage[]): number[] {
  const elsewhere = new Set(nodes.filter(({ callFrame }) => ELSEWHERE.has(callFrame.functionName)).map(({ id }) => id));
  const stepMax = 2 * median(timeDeltas);
  const times = passages.map(() => 0);
  let at = startTime;
  let current = 0;
  samples.forEach((node, index) => {
    at += timeDeltas[index] ?? 0;
    while (current < passages.length - 1 && at > (passages[current]?.to ?? 0)) current++;
    const step = Math.min(stepMax, timeDeltas[index + 1] ?? 0) / 1000;
    if (!elsewhere.has(node) && at >= (passages[current]?.from ?? 0)) times[current] = (times[current] ?? 0) + step;
  });
  return times;
}
