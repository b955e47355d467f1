/**
 * `npm run bench`: measures the built product as a person runs it and prints one table. `npm run bench -- smtp imap` chooses parts,
 * `--quick` takes small numbers to see that it works, `--full` adds the largest mailboxes. It reports; no figure makes it fail, but a
 * part without figures does, and so does an end before the table.
 */
import { endAll } from './ending.ts';
import { type Figure, type Options, type Part, type Remark, table } from './figures.ts';
import { coldStart } from './parts/cold-start.ts';
import { edgeTime } from './parts/edge-time.ts';
import { imap } from './parts/imap.ts';
import { inbox } from './parts/inbox.ts';
import { jmap } from './parts/jmap.ts';
import { memory } from './parts/memory.ts';
import { rows } from './parts/rows.ts';
import { smtp } from './parts/smtp.ts';
import { webmail } from './parts/webmail.ts';
import { machine } from './process.ts';

const PARTS: readonly Part[] = [rows, inbox, edgeTime, smtp, imap, jmap, memory, webmail, coldStart];

async function run(args: readonly string[]): Promise<void> {
  const names = args.filter((arg) => !arg.startsWith('--'));
  const options: Options = { quick: args.includes('--quick'), full: args.includes('--full') };
  const unknown = names.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0) {
    console.error(`bench: no part ${unknown.join(', ')}; there are ${PARTS.map(({ name }) => name).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const chosen = PARTS.filter(({ name }) => names.length === 0 || names.includes(name));
  const head = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC. ${machine()}`;
  const results: { part: Part; figures: (Figure | Remark)[] }[] = [];
  for (const part of chosen) results.push({ part, figures: await measure(part, options) });
  console.log(`\n${head}\n\n${table(results)}`);
  told = true;
}

/** A part that breaks is told as such, and the others go on. */
async function measure(part: Part, options: Options): Promise<(Figure | Remark)[]> {
  console.error(`bench: ${part.name} …`);
  const started = Date.now();
  try {
    const figures = await part.measure(options);
    if (!figures.some((figure) => 'what' in figure)) throw new Error('it gave no figures');
    console.error(`${table([{ part, figures }])}\nbench: ${part.name} took ${Math.round((Date.now() - started) / 1000)} s`);
    return figures;
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
    return [{ remark: `not measured: ${error instanceof Error ? error.message.split('\n')[0] : error}` }];
  }
}

/** Everything that was asked for has been answered. */
let told = false;
// Whatever ends the process, libraries and empty event loops among it: without a table it has not succeeded.
process.once('exit', (code) => {
  if (told || code !== 0) return;
  console.error('bench: ended before it had measured everything');
  process.exitCode = 1;
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => endAll().finally(() => process.exit(130)));
await run(process.argv.slice(2));
