/**
 * Which parts of a message are its text, which its HTML, which attachments: the algorithm of RFC 8621
 * §4.1.4 over the tree. Numbers are IMAP part numbers, which serve as JMAP part ids too.
 */
import type { Part } from './index-types.ts';
import { fileName } from './parameters.ts';

export interface NumberedPart {
  /** `1.2`, as partAt understands it. */
  number: string;
  part: Part;
}
export interface BodyLists {
  textBody: NumberedPart[];
  htmlBody: NumberedPart[];
  attachments: NumberedPart[];
}

/** The three lists; a part may be in both bodies. */
export function bodyLists(root: Part): BodyLists {
  const lists: BodyLists = { textBody: [], htmlBody: [], attachments: [] };
  const top = root.type === 'multipart' ? numbered(root, '') : [{ number: '1', part: root }];
  const subtype = root.type === 'multipart' ? root.subtype : 'mixed';
  sort(top, subtype, false, lists.htmlBody, lists.textBody, lists.attachments);
  return lists;
}

/** RFC 8621 §4.1.4: something a client offers for download; what is shown inline does not count. */
export function hasAttachment(root: Part): boolean {
  return bodyLists(root).attachments.some(({ part }) => part.disposition?.value !== 'inline');
}

function numbered(part: Part, number: string): NumberedPart[] {
  return (part.children ?? []).map((child, index) => ({ number: number === '' ? `${index + 1}` : `${number}.${index + 1}`, part: child }));
}

/** Null lists: inside an alternative that already has its other form. The names are the RFC's. */
function sort(
  parts: NumberedPart[],
  subtype: string,
  inAlternative: boolean,
  htmlBody: NumberedPart[] | null,
  textBody: NumberedPart[] | null,
  attachments: NumberedPart[],
): void {
  const textLength = textBody?.length ?? -1;
  const htmlLength = htmlBody?.length ?? -1;
  parts.forEach((item, index) => {
    const { part } = item;
    if (part.type === 'multipart') {
      sort(numbered(part, item.number), part.subtype, inAlternative || part.subtype === 'alternative', htmlBody, textBody, attachments);
    } else if (!isInline(part, index, subtype)) attachments.push(item);
    else if (subtype === 'alternative') chooseForm(item, htmlBody, textBody, attachments);
    else {
      if (inAlternative && part.type === 'text' && part.subtype === 'plain') htmlBody = null;
      if (inAlternative && part.type === 'text' && part.subtype === 'html') textBody = null;
      textBody?.push(item);
      htmlBody?.push(item);
      if ((!textBody || !htmlBody) && isMedia(part)) attachments.push(item);
    }
  });
  if (subtype !== 'alternative' || !textBody || !htmlBody) return;
  if (textLength === textBody.length && htmlLength !== htmlBody.length) textBody.push(...htmlBody.slice(htmlLength));
  if (htmlLength === htmlBody.length && textLength !== textBody.length) htmlBody.push(...textBody.slice(textLength));
}

function chooseForm(
  item: NumberedPart,
  htmlBody: NumberedPart[] | null,
  textBody: NumberedPart[] | null,
  attachments: NumberedPart[],
): void {
  const { type, subtype } = item.part;
  if (type === 'text' && subtype === 'plain') textBody?.push(item);
  else if (type === 'text' && subtype === 'html') htmlBody?.push(item);
  else attachments.push(item);
}

function isInline(part: Part, index: number, containerSubtype: string): boolean {
  const shown = (part.type === 'text' && (part.subtype === 'plain' || part.subtype === 'html')) || isMedia(part);
  if (part.disposition?.value === 'attachment' || !shown) return false;
  return index === 0 || (containerSubtype !== 'related' && (isMedia(part) || !fileName(part)));
}

function isMedia({ type }: Part): boolean {
  return type === 'image' || type === 'audio' || type === 'video';
}
