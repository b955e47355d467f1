/** Email/query (RFC 8621 §4.4). The store pages by anchor; what it costs depends on the page. */
import { readEmailQuery } from '../../../shared/jmap/email/query.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import type { Window } from '../../../shared/jmap/query.ts';
import { QUERY_FIELDS, queryAnswer, queryWindow } from '../../../shared/jmap/query.ts';
import { optional, readArguments, readBoolean } from '../../../shared/jmap/readers.ts';
import type { EmailQuery } from '../../store/mail/query/email-query.ts';
import type { Method } from '../context.ts';

const FIELDS = { ...QUERY_FIELDS, collapseThreads: optional(readBoolean, false) };

export const emailQuery: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, FIELDS);
  const window = queryWindow(read);
  const { position, limit, calculateTotal } = window;
  const query: EmailQuery = { ...readEmailQuery(read), position, limit, calculateTotal, ...anchorOf(window) };
  const [{ Email: state }, result] = await Promise.all([context.states(), context.mail.query(query)]);
  if (result === null) throw new MethodError('anchorNotFound');
  const ids = result.ids.map((id) => encodeId('Email', id));
  return queryAnswer(accountId, state, window, { ...result, ids }, true);
};

/** An anchor that is no email id of ours is in no result. */
function anchorOf(window: Window): Pick<EmailQuery, 'anchor' | 'anchorOffset'> {
  if (window.anchor === null) return {};
  const anchor = decodeId('Email', window.anchor);
  if (anchor === null) throw new MethodError('anchorNotFound');
  return { anchor, anchorOffset: window.anchorOffset };
}
