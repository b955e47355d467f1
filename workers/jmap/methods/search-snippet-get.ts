/**
 * SearchSnippet/get (RFC 8621 §5.1). Subjects and previews come from the index; where the words are not in
 * the preview, the beginnings of the message's texts are read, for a bounded number of emails.
 */

import { bodyValue } from '../../../shared/jmap/email/body-value.ts';
import { readEmailCondition, searchTexts } from '../../../shared/jmap/email/query.ts';
import { markPreview, markSubject } from '../../../shared/jmap/email/snippet.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { distinctIds } from '../../../shared/jmap/get.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import { readFilter } from '../../../shared/jmap/query.ts';
import { arrayOf, nullable, readArguments, readId, readObject } from '../../../shared/jmap/readers.ts';
import { bodyLists, bodyTree } from '../../../shared/mime/bodylists.ts';
import { htmlToText } from '../../../shared/mime/htmlText.ts';
import type { Part } from '../../../shared/mime/index-types.ts';
import type { EmailRow } from '../../store/mail/types.ts';
import type { JmapContext, Method } from '../context.ts';
import { StoredOriginal } from '../email/original.ts';

/** Parts read in one call: each is a subrequest, of the 50 a request may make. And parts of one email. */
const ORIGINALS_MAX = 30;
const PARTS_MAX = 3;
/** Octets of a text part that are looked into. */
const TEXT_OCTETS_MAX = 64 * 1024;

/** Emails worked on at a time: a Worker may hold six connections. */
const CONCURRENT_EMAILS = 6;

type Texts = ReturnType<typeof searchTexts>;

const FIELDS = { accountId: readId, filter: nullable(readObject), emailIds: arrayOf(readId) };

export const searchSnippetGet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, FIELDS);
  const texts = searchTexts(readFilter(read.filter, readEmailCondition));
  const ids = distinctIds(read.emailIds) ?? [];
  const wanted = ids.flatMap((id) => decodeId('Email', id) ?? []);
  const rows = wanted.length === 0 ? [] : await context.emails(wanted);
  const list: Json[] = [];
  const budget = { parts: ORIGINALS_MAX };
  for (let at = 0; at < rows.length; at += CONCURRENT_EMAILS) {
    const some = rows.slice(at, at + CONCURRENT_EMAILS);
    list.push(...(await Promise.all(some.map((row) => snippet(context, row, texts, budget)))));
  }
  const found = new Set(list.map(({ emailId }) => emailId));
  const notFound = ids.filter((id) => !found.has(id));
  return { accountId, list, notFound: notFound.length > 0 ? notFound : null };
};

async function snippet(context: JmapContext, row: EmailRow, texts: Texts, budget: { parts: number }): Promise<Json> {
  const subject = markSubject(row.subject, texts.subject);
  let preview = markPreview(row.preview, texts.body);
  for (const part of preview === null && texts.body.length > 0 ? textParts(row) : []) {
    if (budget.parts-- <= 0) break;
    preview = markPreview(await beginning(context, row, part), texts.body);
    if (preview !== null) break;
  }
  return { emailId: encodeId('Email', row.id), subject, preview };
}

/** The parts people read, the plain form of a text before its HTML, which may say more. */
function textParts(row: EmailRow): Part[] {
  const { textBody, htmlBody } = bodyLists(bodyTree(row.structure));
  const parts = [...textBody, ...htmlBody].map(({ part }) => part).filter(({ type }) => type === 'text');
  return [...new Set(parts)].slice(0, PARTS_MAX);
}

/** The beginning of a part as text. */
async function beginning(context: JmapContext, row: EmailRow, part: Part): Promise<string> {
  const length = part.end - part.bodyStart;
  const octets = await new StoredOriginal(context.mail, row.sha256, row.size).read(part.bodyStart, Math.min(length, TEXT_OCTETS_MAX));
  const { value } = bodyValue(octets, part, 0, octets.length < length);
  return part.subtype === 'html' ? htmlToText(value) : value;
}
