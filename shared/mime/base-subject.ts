/**
 * The base subject (RFC 5256 §2.1): a decoded subject without `Re:`, `Fwd:`, `[list]` and `(fwd)`, by which messages are
 * sorted and threaded. The RFC wants exactly this procedure; the steps are numbered as there.
 */

/** Characters looked at: a line may have 998 octets (RFC 5322 §2.1.1), and the blobs of one subject are walked several times. */
const SUBJECT_MAX = 4096;
const REFWD = /(?:re|fwd?) *(?:\[[^[\]]*\] *)?:/iy;
const BLOB = /\[[^[\]]*\] */y;
const FWD_HEADER = /^\[fwd:/i;
const FWD_TRAILER = /\(fwd\)$/i;

export interface BaseSubject {
  /** Not casemapped. */
  base: string;
  /** A reply or a forward: `Re:`, `Fwd:`, `(fwd)` or `[fwd: …]` was taken away. */
  reply: boolean;
}

/** `decoded`: the subject with its encoded words decoded. */
export function baseSubject(decoded: string): BaseSubject {
  // (1)
  let text = decoded.slice(0, SUBJECT_MAX).replace(/[ \t\r\n]+/g, ' ');
  let reply = false;
  for (;;) {
    // (2)
    const front = withoutTrailers(text);
    reply ||= front.length < text.trimEnd().length;
    // (3) to (5)
    const middle = withoutLeaders(front);
    reply ||= middle.reply;
    text = middle.text;
    // (6)
    if (!FWD_HEADER.test(text) || !text.endsWith(']')) return { base: text, reply };
    text = text.slice('[fwd:'.length, -1);
    reply = true;
  }
}

/** (2) Trailing white space and `(fwd)`, as often as there are any. */
function withoutTrailers(text: string): string {
  for (let rest = text; ; ) {
    const trimmed = rest.endsWith(' ') ? rest.slice(0, -1) : rest;
    const cut = FWD_TRAILER.test(trimmed.slice(-5)) ? trimmed.slice(0, -5) : trimmed;
    if (cut.length === rest.length) return cut;
    rest = cut;
  }
}

/** (3) Leaders; (4) a blob, where something is left without it; (5) again. */
function withoutLeaders(text: string): { text: string; reply: boolean } {
  let at = 0;
  let reply = false;
  for (;;) {
    while (text[at] === ' ') at += 1;
    const blobs = blobsFrom(text, at);
    const leader = matchEnd(REFWD, text, blobs.at(-1) ?? at);
    if (leader < 0) return { text: text.slice(blobs.findLast((end) => end < text.length) ?? at), reply };
    reply = true;
    at = leader;
  }
}

/** Where each of the blobs that follow one another ends. No `Re:` behind the last one means none behind the others. */
function blobsFrom(text: string, at: number): number[] {
  const ends: number[] = [];
  for (let end = matchEnd(BLOB, text, at); end >= 0; end = matchEnd(BLOB, text, end)) ends.push(end);
  return ends;
}

function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}
