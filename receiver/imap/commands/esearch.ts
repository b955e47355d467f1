/**
 * ESEARCH (RFC 7377): one search in several mailboxes, told by UIDs, a response for each mailbox where something was found. The selected
 * mailbox is searched as its client sees it, the others as they are.
 */
import { type Call, type Client, type Command, type Completion, LOGGED_IN, selectionOf, sessionOf } from '../client.ts';
import { filterHolds, type MailboxFilter, readFilter } from '../mailbox-filter.ts';
import { becomeAware } from '../manner.ts';
import { readOptionalCharset } from '../search/charset.ts';
import { evaluate, type Scope } from '../search/evaluate.ts';
import { type Criteria, readKeys } from '../search/keys.ts';
import { answerItems, RETURN_ALL, type ReturnOptions, readReturnOptions } from '../search/results.ts';
import { mailboxScope, selectedScope } from '../search/scope.ts';
import { NONE, type Uids } from '../search/uids.ts';
import { type Mailbox, Refusal } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { mailboxName, string } from '../wire/encoder.ts';
import { saving } from './search.ts';

/** Mailboxes of one search; each is loaded into memory for it (RFC 7377 §2.4). */
const MAILBOXES_MAX = 1000;

interface Sources {
  selected: boolean;
  others: MailboxFilter[];
}

export const esearch: Command = {
  name: 'ESEARCH',
  states: LOGGED_IN,
  uid: 'also',
  async run(client, args, call): Promise<Completion> {
    const sources = readSources(args, client);
    const options = readReturnOptions(args, client) ?? RETURN_ALL;
    if (options.names.has('SAVE') && sources.others.length > 0) throw new Malformed('SAVE is for the selected mailbox alone');
    const work = async () => {
      args.space();
      const criteria = readKeys(args, client, readOptionalCharset(args, client), Date.now());
      if (criteria.modseq) becomeAware(client);
      const found = await searchAll({ client, call, sources, options, criteria });
      return { found, completion: { text: 'ESEARCH completed' } };
    };
    return sources.selected ? saving(selectionOf(client), options, work) : (await work()).completion;
  },
};

/** ` IN (…)`; the selected mailbox without it. */
function readSources(args: Arguments, client: Client): Sources {
  const sources: Sources = { selected: false, others: [] };
  if (args.skipText(' IN ')) {
    args.list(() => {
      // `(scope-options)`: none are defined, so that none can be asked for.
      const kind = args.word('a mailbox specifier');
      if (kind === 'SELECTED') sources.selected = true;
      else sources.others.push(readFilter(args, client, kind));
    });
    if (!sources.selected && sources.others.length === 0) throw new Malformed('No mailbox specifier');
  } else sources.selected = true;
  if (sources.selected && !client.selection) throw new Malformed('No mailbox is selected');
  return sources;
}

interface Search {
  client: Client;
  call: Call;
  sources: Sources;
  options: ReturnOptions;
  criteria: Criteria;
}

/** UIDs found in the selected mailbox, for `$`. */
async function searchAll(search: Search): Promise<Uids> {
  const { client, call, sources } = search;
  const mailboxes = sessionOf(client)
    .mailboxes()
    .filter((mailbox) => sources.others.some((filter) => filterHolds(filter, mailbox)));
  if (mailboxes.length > MAILBOXES_MAX) throw new Refusal('LIMIT', `At most ${MAILBOXES_MAX} mailboxes in one search`);
  const selected = client.selection;
  let saved = NONE;
  if (sources.selected && selected) saved = await searchOne(search, selected.box.mailbox, selectedScope(client, call, selected));
  for (const mailbox of mailboxes) {
    if (mailbox.id !== selected?.box.mailbox.id) await searchOther(search, mailbox);
    else if (!sources.selected) await searchOne(search, mailbox, selectedScope(client, call, selected));
  }
  return saved;
}

async function searchOther(search: Search, mailbox: Mailbox): Promise<void> {
  // It may have been deleted meanwhile: then nothing is found there.
  const current = sessionOf(search.client).find(mailbox.name);
  if (current?.id !== mailbox.id) return;
  const box = sessionOf(search.client).select(current, true);
  try {
    await searchOne(search, current, mailboxScope(search.client, search.call, box));
  } finally {
    box.close();
  }
}

async function searchOne({ client, call, options, criteria }: Search, { name, uidvalidity }: Mailbox, scope: Scope): Promise<Uids> {
  const found = await evaluate(scope, criteria.key);
  const answer = { found, numbers: found, modseq: criteria.modseq ? (uid: number) => scope.box.modseq(uid) : null };
  const items = found.length === 0 ? null : answerItems(answer, options);
  const correlators = `TAG ${string(call.tag)} MAILBOX ${mailboxName(name, client.utf8)} UIDVALIDITY ${uidvalidity}`;
  if (items !== null) client.output.line(`* ESEARCH (${correlators}) UID${items}`);
  return found;
}
