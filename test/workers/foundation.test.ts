import { env } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { app } from '../../workers/app.ts';

test('the Worker starts and an unknown path is not found', async () => {
  const answer = await app.request('/ingest/nothing', {}, env);
  expect(answer.status).toBe(404);
});
