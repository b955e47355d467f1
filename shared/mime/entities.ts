/**
 * Character references of HTML 4 (the named ones mail uses) and numeric ones, decoded in one pass.
 * The table is written as text: `name code` for letters with gaps, and runs of names from a first code.
 */

/** Latin-1 letters and signs, U+00A0 to U+00FF in order. */
const LATIN1 =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest ' +
  'Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig ' +
  'agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml';
/** Greek capitals from U+0391 and small letters from U+03B1; the gap at U+03A2 is kept by `-`. */
const GREEK_CAPITALS =
  'Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho - Sigma Tau Upsilon Phi Chi Psi Omega';
const GREEK_SMALL =
  'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega';
const OTHERS =
  'quot 34 amp 38 apos 39 lt 60 gt 62 OElig 338 oelig 339 Scaron 352 scaron 353 Yuml 376 fnof 402 circ 710 tilde 732 ensp 8194 emsp 8195 thinsp 8201 zwnj 8204 zwj 8205 lrm 8206 rlm 8207 ' +
  'ndash 8211 mdash 8212 lsquo 8216 rsquo 8217 sbquo 8218 ldquo 8220 rdquo 8221 bdquo 8222 dagger 8224 Dagger 8225 bull 8226 hellip 8230 permil 8240 prime 8242 Prime 8243 lsaquo 8249 rsaquo 8250 ' +
  'oline 8254 frasl 8260 euro 8364 trade 8482 larr 8592 uarr 8593 rarr 8594 darr 8595 harr 8596 rArr 8658 minus 8722 infin 8734 ne 8800 le 8804 ge 8805 loz 9674 spades 9824 clubs 9827 hearts 9829 diams 9830 check 10003';

const NAMED = new Map<string, string>([...run(LATIN1, 0xa0), ...run(GREEK_CAPITALS, 0x391), ...run(GREEK_SMALL, 0x3b1), ...pairs(OTHERS)]);
/** WHATWG HTML §13.2.5.80: references to C1 controls mean windows-1252. */
const western = new TextDecoder('windows-1252');

/** `&amp;`, `&#8364;`, `&#x20ac;`, also without the semicolon; what is unknown stays. */
export function decodeReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,9}));?/g,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return NAMED.get(name) ?? whole;
      return character(decimal === undefined ? Number.parseInt(hex ?? '0', 16) : Number(decimal));
    },
  );
}

function character(code: number): string {
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  if (code >= 0x80 && code <= 0x9f) return western.decode(Uint8Array.of(code));
  return String.fromCodePoint(code);
}

function run(names: string, first: number): [string, string][] {
  return names.split(' ').map((name, index) => [name, String.fromCharCode(first + index)]);
}

function pairs(table: string): [string, string][] {
  const words = table.split(' ');
  return words.flatMap((name, index) =>
    index % 2 === 0 ? [[name, String.fromCodePoint(Number(words[index + 1]))] as [string, string]] : [],
  );
}
