/** Flags at the border (RFC 9051 §2.3.2): from what a client sent to those a message can have. */
import { isKeyword, KEYWORDS_PER_EMAIL_MAX } from '../../shared/flags.ts';
import { Refusal } from './session.ts';
import { Malformed } from './wire/arguments.ts';

const SYSTEM = new Map(['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'].map((flag) => [flag.toLowerCase(), flag]));

/**
 * System flags in their spelling, keywords as sent, without doubles. `\Recent` is dropped (RFC 3501 §2.3.2: a client
 * cannot alter it); other flags with a backslash are no flags of ours and are BAD.
 */
export function checkFlags(flags: readonly string[]): string[] {
  const checked = new Map<string, string>();
  for (const flag of flags) {
    const key = flag.toLowerCase();
    if (key === '\\recent') continue;
    checked.set(key, SYSTEM.get(key) ?? checkKeyword(flag));
  }
  if (checked.size > KEYWORDS_PER_EMAIL_MAX) throw new Refusal('LIMIT', 'Too many keywords');
  return [...checked.values()];
}

function checkKeyword(flag: string): string {
  if (flag.startsWith('\\')) throw new Malformed('Unknown system flag');
  if (!isKeyword(flag)) throw new Refusal('CANNOT', 'The keyword has characters that are not allowed');
  return flag;
}
