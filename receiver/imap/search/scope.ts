/** The mailbox a searching command works in, and how it shares the process with others (RFC 9051 §6.4.4, RFC 9585). */
import { type Call, type Client, ClientGone } from '../client.ts';
import { progressOf } from '../progress.ts';
import type { Selection } from '../selection.ts';
import type { SelectedMailbox } from '../session.ts';
import type { Scope } from './evaluate.ts';
import { READ_LIMITS } from './originals.ts';

/** The selected mailbox as this client sees it. */
export function selectedScope(client: Client, call: Call, { box, view, saved }: Selection): Scope {
  return { box, uids: view.uids.slice(), saved, limits: READ_LIMITS, ...turns(client, call) };
}

/** Any other mailbox, as it is now. */
export function mailboxScope(client: Client, call: Call, box: SelectedMailbox): Scope {
  return { box, uids: box.uids().slice(), saved: [], limits: READ_LIMITS, ...turns(client, call) };
}

function turns(client: Client, { tag }: Call): Pick<Scope, 'pause' | 'progress'> {
  return {
    async pause() {
      await client.breathe();
      if (client.output.closed) throw new ClientGone();
    },
    progress: progressOf(client, tag),
  };
}
