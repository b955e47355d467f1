import type { Env, OutboxAddress } from '../env.ts';

export async function consumeOutbox(_batch: MessageBatch<OutboxAddress>, _env: Env): Promise<void> {}
export async function enqueueDue(_env: Env): Promise<void> {}
