/**
 * From the MIME tree to the flat lists people read (RFC 8621 §4.1.4): what is the text, what is the HTML,
 * what is attached. The rules are the RFC's suggested ones.
 */
import type { Part } from './index-types.ts';
import { fileName } from './parameters.ts';

/** A part with its name in the message: IMAP's section number. `message/*` parts have no `children` here. */
export interface BodyNode {
  part: Part;
  /** Null for multiparts (RFC 8621 §4.1.4). */
  partId: string | null;
  /** `text/plain` */
  type: string;
  name: string | null;
  /** Lower case. */
  disposition: string | null;
  children: BodyNode[];
}

export interface BodyLists {
  textBody: BodyNode[];
  htmlBody: BodyNode[];
  attachments: BodyNode[];
}

/** The tree of a message. `nameOf`: what a part is called; its decoded file name unless told. */
export function bodyTree(root: Part, nameOf = (part: Part) => fileName(part) ?? null): BodyNode {
  const node = (part: Part, section: string): BodyNode => {
    const isMultipart = part.type === 'multipart';
    const prefix = section === '' ? '' : `${section}.`;
    return {
      part,
      partId: isMultipart ? null : section || '1',
      type: `${part.type}/${part.subtype}`,
      name: nameOf(part),
      disposition: part.disposition?.value.toLowerCase() ?? null,
      children: isMultipart ? (part.children ?? []).map((child, index) => node(child, `${prefix}${index + 1}`)) : [],
    };
  };
  return node(root, '');
}

/** The leaves of a tree, depth first. */
export function leaves(node: BodyNode): BodyNode[] {
  return node.partId === null ? node.children.flatMap(leaves) : [node];
}

/** The three lists. */
export function bodyLists(root: BodyNode): BodyLists {
  const lists: BodyLists = { textBody: [], htmlBody: [], attachments: [] };
  sort([root], 'mixed', false, lists.textBody, lists.htmlBody, lists.attachments);
  return lists;
}

/** RFC 8621 §4.1.4: something a client offers for download; what is shown inline does not count. */
export function hasAttachment(root: BodyNode): boolean {
  return bodyLists(root).attachments.some(({ disposition }) => disposition !== 'inline');
}

type List = BodyNode[] | null;

function sort(
  parts: readonly BodyNode[],
  multipart: string,
  inAlternative: boolean,
  textBody: List,
  htmlBody: List,
  attachments: BodyNode[],
): void {
  const textBefore = textBody?.length ?? -1;
  const htmlBefore = htmlBody?.length ?? -1;
  let [text, html] = [textBody, htmlBody];
  parts.forEach((part, index) => {
    if (part.partId === null) {
      const subtype = part.part.subtype;
      sort(part.children, subtype, inAlternative || subtype === 'alternative', text, html, attachments);
    } else if (!isShown(part, index, multipart)) {
      attachments.push(part);
    } else if (multipart === 'alternative') {
      alternativeList(part, text, html, attachments).push(part);
    } else {
      // Inside one branch of an alternative, what follows belongs to that branch only.
      if (inAlternative && part.type === 'text/plain') html = null;
      if (inAlternative && part.type === 'text/html') text = null;
      text?.push(part);
      html?.push(part);
      if ((!text || !html) && isMedia(part)) attachments.push(part);
    }
  });
  if (multipart === 'alternative' && textBody && htmlBody) fillMissingBranch(textBody, textBefore, htmlBody, htmlBefore);
}

function alternativeList(part: BodyNode, text: List, html: List, attachments: BodyNode[]): BodyNode[] {
  if (part.type === 'text/plain') return text ?? attachments;
  return part.type === 'text/html' ? (html ?? attachments) : attachments;
}

/** An alternative with only one of the two shows that one in both lists. */
function fillMissingBranch(textBody: BodyNode[], textBefore: number, htmlBody: BodyNode[], htmlBefore: number): void {
  const noText = textBody.length === textBefore;
  const noHtml = htmlBody.length === htmlBefore;
  if (noText && !noHtml) textBody.push(...htmlBody.slice(htmlBefore));
  if (noHtml && !noText) htmlBody.push(...textBody.slice(textBefore));
}

/** Whether a leaf is part of the body rather than attached. */
function isShown(part: BodyNode, index: number, multipart: string): boolean {
  if (part.disposition === 'attachment') return false;
  if (part.type !== 'text/plain' && part.type !== 'text/html' && !isMedia(part)) return false;
  return index === 0 || (multipart !== 'related' && (isMedia(part) || !part.name));
}

function isMedia(part: BodyNode): boolean {
  return part.part.type === 'image' || part.part.type === 'audio' || part.part.type === 'video';
}
