/**
 * Message HTML made harmless before it reaches the sandboxed frame. Two walls: DOMPurify here (no scripts,
 * forms, frames, foreign content; links only http, https, mailto), then the frame's sandbox and CSP (`frame.ts`).
 * The result is an inert fragment that belongs to no document anyone sees.
 */
import DOMPurify from 'dompurify';
import { safeHref } from './plain.ts';

/** What a message may not contain at all: it would act, load or frame something. */
const FORBIDDEN_TAGS = [
  'form',
  'input',
  'button',
  'select',
  'option',
  'textarea',
  'label',
  'fieldset',
  'iframe',
  'frame',
  'frameset',
  'object',
  'embed',
  'applet',
  'base',
  'link',
  'meta',
  'svg',
  'math',
  'audio',
  'video',
  'source',
  'track',
  'dialog',
  'template',
  'slot',
  'portal',
  'canvas',
  'title',
  'noscript',
]; // prettier-ignore
const FORBIDDEN_ATTRIBUTES = [
  'srcset',
  'sizes',
  'ping',
  'autofocus',
  'tabindex',
  'contenteditable',
  'popover',
  'usemap',
  'id',
  'name',
  'target',
  'accesskey',
];
/** Values with a scheme of this list, or without one: DOMPurify asks this of widths and colours, too. */
const ALLOWED_VALUES = /^(?:(?:https?|mailto|cid):|data:image\/(?:png|gif|jpeg|webp|bmp|avif)[;,]|[^a-z]|[a-z+.-]+(?:[^a-z+.\-:]|$))/i;
/** One transparent pixel. */
const TRANSPARENT = 'data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==';
/** Nodes of a message that are read; what is beyond is cut, and a newsletter has a tenth of it. */
const NODES_MAX = 50_000;

export interface Sanitised {
  body: HTMLElement;
  /** The message's own <style> elements, joined. */
  style: string;
  /** Images, or backgrounds, that would be loaded from elsewhere. */
  remote: boolean;
  /** Content-IDs that images refer to. */
  cids: ReadonlySet<string>;
  /** True when the message paints its own backgrounds: in the dark it is then shown on paper. */
  painted: boolean;
}

/** `images`: data URLs by Content-ID. `showRemote`: leave remote images in place. */
export function sanitise(html: string, images: ReadonlyMap<string, string>, showRemote: boolean): Sanitised {
  const body = DOMPurify.sanitize(html, {
    RETURN_DOM: true,
    FORCE_BODY: true,
    WHOLE_DOCUMENT: true,
    USE_PROFILES: { html: true },
    ADD_TAGS: ['style'],
    FORBID_TAGS: FORBIDDEN_TAGS,
    FORBID_ATTR: FORBIDDEN_ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: ALLOWED_VALUES,
  }) as HTMLElement;
  const root = body.querySelector('body') ?? body;
  cutShort(root);
  const style = takeStyles(body);
  for (const link of root.querySelectorAll('a, area')) tameLink(link);
  const cids = new Set<string>();
  let remote = false;
  for (const image of root.querySelectorAll('img')) remote = placeImage(image, images, showRemote, cids) || remote;
  for (const element of root.querySelectorAll('[background]')) {
    remote = true;
    if (!showRemote) element.removeAttribute('background');
  }
  const sheets = style + [...root.querySelectorAll('[style]')].map((element) => element.getAttribute('style')).join(';');
  remote ||= /url\(\s*['"]?\s*(?:https?:)?\/\//i.test(sheets);
  return {
    body: root,
    style,
    remote,
    cids,
    painted: root.querySelector('[bgcolor]') !== null || /background(?:-color)?\s*:\s*(?!none|transparent|inherit|initial)/i.test(sheets),
  };
}

function cutShort(root: Element): void {
  const all = root.getElementsByTagName('*');
  while (all.length > NODES_MAX) all[all.length - 1]?.remove();
}

/** Styles go into the frame's head: they cannot end their element there, because only CSS text is taken. */
function takeStyles(body: Element): string {
  const styles = [...body.querySelectorAll('style')];
  const text = styles.map((style) => style.textContent ?? '').join('\n');
  for (const style of styles) style.remove();
  return text.replaceAll('<', '\\3c ');
}

function tameLink(link: Element): void {
  const href = safeHref(link.getAttribute('href') ?? '');
  if (href === null) {
    link.removeAttribute('href');
    return;
  }
  link.setAttribute('href', href);
  link.setAttribute('target', '_blank');
  link.setAttribute('rel', 'noopener noreferrer');
  // Where it leads is shown before it is followed.
  if (!link.getAttribute('title')) link.setAttribute('title', href);
}

/** True when the image lies elsewhere. A blocked one keeps its place and its description. */
function placeImage(image: Element, images: ReadonlyMap<string, string>, showRemote: boolean, cids: Set<string>): boolean {
  const source = image.getAttribute('src') ?? '';
  if (/^data:/i.test(source)) return false;
  if (/^cid:/i.test(source)) {
    const cid = decodeCid(source.slice(4));
    cids.add(cid);
    const found = images.get(cid);
    if (found) image.setAttribute('src', found);
    else image.removeAttribute('src');
    return false;
  }
  const remote = /^https?:/i.test(source);
  if (remote && !showRemote && isThin(image)) {
    image.setAttribute('src', TRANSPARENT);
    return true;
  }
  if (!remote || !showRemote) image.removeAttribute('src');
  return remote;
}

/** A spacer, or a pixel that counts openings: it keeps its place, but no frame is drawn where it was. */
function isThin(image: Element): boolean {
  return ['width', 'height'].some((side) => /^[0-3](?:px)?$/.test(image.getAttribute(side) ?? ''));
}

function decodeCid(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
