/** The Worker's entry: HTTP, the outbox queue, the minute cron, and the push hub. */
import { app } from './app.ts';
import type { Env, OutboxMessage } from './env.ts';
import { consumeOutbox, enqueueDue } from './outbound/outbox.ts';
import { sweep } from './store/sweep.ts';

export { Hub } from './jmap/push/hub.ts';

export default {
  fetch: app.fetch,
  queue: (batch, env) => consumeOutbox(batch, env),
  scheduled: async (_event, env) => {
    await enqueueDue(env);
    await sweep(env);
  },
} satisfies ExportedHandler<Env, OutboxMessage>;
