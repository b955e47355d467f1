/**
 * Identity/get (RFC 8621 §6.1). Every address of the account has an identity: one that has none yet, after an
 * account or alias was added, gets it here.
 */

import type { Json } from '../../../shared/jmap/errors.ts';
import { distinctIds, GET_FIELDS, getAnswer, knownProperties, pick } from '../../../shared/jmap/get.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import { openDirectory } from '../../store/directory/index.ts';
import type { IdentityRow } from '../../store/mail/types.ts';
import type { JmapContext, Method } from '../context.ts';

const PROPERTIES = ['id', 'name', 'email', 'replyTo', 'bcc', 'textSignature', 'htmlSignature', 'mayDelete'];

export const identityGet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, GET_FIELDS);
  const properties = knownProperties(read.properties, PROPERTIES);
  const ids = distinctIds(read.ids);
  const rows = await ensureIdentities(context);
  const { Identity: state } = await context.states();
  const wanted = ids === null ? null : new Set(ids.map((id) => decodeId('Identity', id)));
  const found = new Map<string, Json>();
  for (const { row, mayDelete } of rows) {
    if (wanted === null || wanted.has(row.id)) found.set(encodeId('Identity', row.id), pick(identityObject(row, mayDelete), properties));
  }
  return getAnswer(accountId, state, ids, found);
};

/** All identities of the account, those of its addresses made when missing. Two queries when none is missing. */
export async function ensureIdentities(context: JmapContext): Promise<{ row: IdentityRow; mayDelete: boolean }[]> {
  const [addresses, known] = await Promise.all([openDirectory(context.env).addressesOf(context.account.id), context.mail.identities()]);
  const missing = addresses.filter((address) => !known.some(({ email }) => email === address));
  for (const email of missing) {
    await context.mail.setIdentity({ name: context.account.name, email, replyTo: null, bcc: null, textSignature: '', htmlSignature: '' });
  }
  if (missing.length > 0) context.wrote();
  const rows = missing.length > 0 ? await context.mail.identities() : known;
  const firsts = new Set(addresses.map((address) => rows.find(({ email }) => email === address)?.id));
  return rows.map((row) => ({ row, mayDelete: !firsts.has(row.id) }));
}

function identityObject({ id, ...row }: IdentityRow, mayDelete: boolean): Json {
  return { id: encodeId('Identity', id), ...row, mayDelete };
}
