/** `POST /ingest`: mail that receivers have answered with 250 (DESIGN.md, invariant 3). */
import { Hono } from 'hono';
import { Malformed } from '../../shared/fields.ts';
import { type ReadMessage, readIngestRequest } from '../../shared/ingest-request.ts';
import { readReceiverCall } from '../auth/caller.ts';
import { problem } from '../auth/problem.ts';
import type { Env } from '../env.ts';
import { ingest } from './ingest.ts';
import { slicePayload } from './payload.ts';

export const ingestRoutes = new Hono<{ Bindings: Env }>().post('/ingest', async (c) => {
  const call = await readReceiverCall(c);
  if (call instanceof Response) return call;
  let request: { messages: ReadMessage[] };
  try {
    request = readIngestRequest(call.frame.header, 'request');
  } catch (error) {
    if (error instanceof Malformed) return problem(400, error.message);
    throw error;
  }
  const slices = slicePayload(call.frame.payload, request.messages);
  if (!slices) return problem(400, 'The payload is not as long as the header says.');
  return c.json(await ingest(c.env, call.receiver, request, slices));
});
