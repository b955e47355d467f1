/**
 * Identity/get (RFC 8621 §6.1). Every address of the account has an identity: one that has none yet, after an
 * account or alias was added, gets it here.
 */

import type { Json } from '../../../shared/jmap/errors.ts';
import { distinctIds, GET_FIELDS, getAnswer, knownProperties, pick } from '../../../shared/jmap/get.ts';
import { identityObject } from '../../../shared/jmap/identity.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import { ensureIdentities } from '../../outbound/identities.ts';
import type { Method } from '../context.ts';

const PROPERTIES = ['id', 'name', 'email', 'replyTo', 'bcc', 'textSignature', 'htmlSignature', 'mayDelete'];

export const identityGet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, GET_FIELDS);
  const properties = knownProperties(read.properties, PROPERTIES);
  const ids = distinctIds(read.ids);
  const rows = await ensureIdentities(context.env, context.mail);
  context.wrote();
  const { Identity: state } = await context.states();
  const wanted = ids === null ? null : new Set(ids.map((id) => decodeId('Identity', id)));
  const found = new Map<string, Json>();
  for (const { row, mayDelete } of rows) {
    if (wanted === null || wanted.has(row.id)) found.set(encodeId('Identity', row.id), pick(identityObject(row, mayDelete), properties));
  }
  return getAnswer(accountId, state, ids, found);
};
