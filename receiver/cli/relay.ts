/** `posthouse relay …`: through which service mail leaves. Its key is asked for, never an argument. */
import { readFileSync } from 'node:fs';
import type { AdminEdge } from '../edge-admin.ts';
import { type Call, type Command, Failure, UsageError } from './command.ts';

type Setter = (admin: AdminEdge, call: Call) => Promise<unknown>;

const SETTERS: Record<string, Setter | undefined> = {
  file: (admin) => admin.setRelay({ kind: 'file' }),
  resend: async (admin, call) => admin.setRelay({ kind: 'resend', apiUrl: call.value('api-url'), apiKey: await readKey(call) }),
};

const set: Command = {
  words: ['RELAY'],
  summary: 'Chooses the relay: file (only under npm start) or resend.',
  details: "Resend's API key is asked for, or read as one line from stdin, or from --key-file.",
  options: {
    'api-url': { type: 'string', value: 'URL', help: "Another address than Resend's own." },
    'key-file': { type: 'string', value: 'FILE', help: 'A file that holds the API key.' },
  },
  async run(call) {
    const [name = ''] = call.words;
    const setter = SETTERS[name];
    if (!setter) throw new UsageError(`RELAY must be one of ${Object.keys(SETTERS).join(', ')}.`);
    await setter(call.installation.admin(), call);
    call.terminal.note(`Mail leaves through the relay ${name} from now on.`);
  },
};

const show: Command = {
  words: [],
  summary: 'Shows the relay, not its key.',
  async run({ installation, terminal }) {
    const relay = await installation.admin().relay();
    terminal.print(
      'apiUrl' in relay ? `${relay.kind} at ${relay.apiUrl}` : (relay.kind ?? 'none; set one with: posthouse relay set RELAY'),
    );
  },
};

export const relayCommands: Record<string, Command> = { set, show };

async function readKey({ value, installation, terminal }: Call): Promise<string> {
  const name = value('key-file');
  if (name === undefined) return terminal.secret('API key');
  const file = installation.file(name);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Failure(`${file} cannot be read (${error instanceof Error && 'code' in error ? error.code : error}).`);
  }
}
