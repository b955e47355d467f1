/** Which header fields go along to Resend as `headers`: all but those the JSON carries itself and those of transport. */
import { type HeaderField, unfold } from '../../../shared/mime/headers.ts';
import { decodeRaw, encodeUnstructured } from '../../../shared/mime/words.ts';

/** Fields that the JSON carries by itself, or that are the relay's to write. */
const OWN_FIELDS =
  /^(from|sender|to|cc|bcc|reply-to|subject|date|mime-version|content-.*|return-path|received|received-spf|delivered-to|x-original-to|dkim-signature|domainkey-signature|arc-.*|authentication-results|resent-.*|resend-.*|x-resend-.*)$/;
/** Fields of one's own that go along, and characters of them: more is nobody's mail. */
const HEADERS_MAX = 100;
const HEADERS_LENGTH_MAX = 64 * 1024;

/** Name → value on one line; of a repeated field the last one. Raw 8-bit becomes encoded words (RFC 2047). */
export function passedHeaders(fields: readonly HeaderField[]): Record<string, string> {
  const passed = new Map<string, [string, string]>();
  let length = 0;
  for (const { name, value } of fields) {
    if (OWN_FIELDS.test(name.toLowerCase())) continue;
    const text = headerText(value);
    length += name.length + text.length;
    if (text === '' || passed.size >= HEADERS_MAX || length > HEADERS_LENGTH_MAX) continue;
    passed.set(name.toLowerCase(), [name, text]);
  }
  return Object.fromEntries(passed.values());
}

/** Control characters, which no header and no file name may have, become spaces; halves of characters are replaced. */
export function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').toWellFormed();
}

/** Encoded words stay as they are. */
function headerText(value: string): string {
  const raw = unfold(value);
  const text = withoutControls(decodeRaw(raw)).trim();
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeUnstructured(text);
}
