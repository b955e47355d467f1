/**
 * CHARSET of SEARCH, SORT, THREAD and ESEARCH (RFC 9051 §6.4.4, RFC 5256): how the strings of the criteria are encoded. Every charset
 * that mail bodies come in is understood; for another the answer is BADCHARSET with those that clients know.
 */
import { decodeText, isKnownCharset } from '../../../shared/mime/charset.ts';
import type { Client } from '../client.ts';
import { Refusal } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { decodeUtf8 } from '../wire/bytes.ts';

/** Byte string → Unicode. Throws `Malformed` for what is no text in the charset. */
export type Decode = (bytes: string) => string;

/** US-ASCII is decoded as UTF-8, of which it is a part. */
const UTF8 = new Set(['US-ASCII', 'UTF-8']);
/** What BADCHARSET lists (RFC 9051 §7.1): the names that clients try next. */
const ANNOUNCED = 'US-ASCII UTF-8 ISO-8859-1 ISO-8859-15 WINDOWS-1252 KOI8-R ISO-2022-JP SHIFT_JIS EUC-JP GB18030 BIG5 EUC-KR';

/** `CHARSET name ` where it may stand; UTF-8 without it. */
export function readOptionalCharset(args: Arguments, client: Client): Decode {
  if (!args.skipText('CHARSET ')) return decoder('UTF-8');
  // RFC 6855 §3: the strings are UTF-8 already.
  if (client.enabled.has('UTF8=ACCEPT')) throw new Malformed('CHARSET is not allowed after ENABLE UTF8=ACCEPT');
  const decode = readCharset(args);
  args.space();
  return decode;
}

/** The charset where it must stand (RFC 5256 §3). */
export function readCharset(args: Arguments): Decode {
  return decoder(args.astring().toUpperCase());
}

function decoder(name: string): Decode {
  if (!UTF8.has(name)) {
    if (!isKnownCharset(name)) throw new Refusal(`BADCHARSET (${ANNOUNCED})`, 'This charset is not supported');
    return (bytes) => decodeText(Buffer.from(bytes, 'latin1'), name);
  }
  return (bytes) => {
    const text = decodeUtf8(bytes);
    if (text === null) throw new Malformed('Invalid UTF-8');
    return text;
  };
}
