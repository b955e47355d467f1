/** A receiver in a process of its own whose edge counts octets and keeps none: prints its port, tells what arrived. */
import type { Readable } from 'node:stream';
import { startWorld } from './world.ts';

const world = await startWorld({ messageSizeLimit: 64 * 1024 * 1024 });
world.edge.putBlob = async (_account: number, _sha256: string, stream: Readable) => {
  let octets = 0;
  for await (const chunk of stream) octets += chunk.length;
  process.send?.(octets);
};
world.edge.ingest = async ({ messages }) => ({
  messages: messages.map(({ spoolId, envelope }) => ({
    spoolId,
    recipients: envelope.rcptTo.map((address) => ({ address, status: 'stored' as const })),
  })),
});
process.stdout.write(`${world.ports.smtp}\n`);
