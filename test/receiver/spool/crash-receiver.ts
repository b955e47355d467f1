/** A receiver whose edge is always away, to be killed: prints its SMTP port and takes mail into the folder given. */
import { startWorldIn } from '../smtp/world.ts';

const world = await startWorldIn(process.argv[2] ?? '', {});
world.edge.recipient = async () => ({ status: 'deliverable', account: 1 });
world.edge.away = true;
process.stdout.write(`${world.ports.smtp}\n`);
