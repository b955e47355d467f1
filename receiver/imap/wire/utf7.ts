/**
 * Modified UTF-7, the form of mailbox names before IMAP4rev2 (RFC 3501 §5.1.3): printable ASCII stands for
 * itself, `&` is `&-`, the rest is base64 of UTF-16 with `,` for `/`. What another encoder would have written
 * differently is refused, so that two names never look the same.
 */
const ENCODED = /[^\x20-\x7e]+/g;

/** Unicode → ASCII. */
export function encodeUtf7(name: string): string {
  return name.replaceAll('&', '&-').replace(ENCODED, (run) => `&${base64(run)}-`);
}

/** ASCII → Unicode; null when it is not modified UTF-7 in its only correct form. */
export function decodeUtf7(text: string): string | null {
  if (!/^[\x20-\x7e]*$/.test(text)) return null;
  if (!text.includes('&')) return text;
  let valid = true;
  const name = text.replace(/&([^-]*)(-?)/g, (_whole, run: string, dash: string) => {
    const decoded = dash === '' ? null : run === '' ? '&' : unbase64(run);
    if (decoded === null) valid = false;
    return decoded ?? '';
  });
  return valid && encodeUtf7(name) === text ? name : null;
}

function base64(run: string): string {
  const utf16 = Buffer.from(run, 'utf16le').swap16();
  return utf16.toString('base64').replace(/=+$/, '').replaceAll('/', ',');
}

function unbase64(run: string): string | null {
  if (!/^[A-Za-z0-9+,]+$/.test(run)) return null;
  const octets = Buffer.from(run.replaceAll(',', '/'), 'base64');
  if (octets.length === 0 || octets.length % 2 !== 0) return null;
  const name = octets.swap16().toString('utf16le');
  return name.isWellFormed() ? name : null;
}
