/** How correspondents are shown: names, initials, one of eight muted hues. */
import type { EmailAddress } from '../jmap/types.ts';

/** Control and bidirectional formatting characters: a name with them can pretend to be another. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const DECEPTIVE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** The name, or the address when there is none. */
export function displayName({ name, email }: EmailAddress): string {
  return plainText(name ?? '').trim() || plainText(email);
}

/** Without what could reorder or hide the text around it. */
export function plainText(text: string): string {
  return text.replace(DECEPTIVE, '');
}

/** A name short enough for a list of several: the given name in Latin script, the whole name elsewhere. */
export function shortName(address: EmailAddress): string {
  const name = displayName(address);
  if (name.includes('@')) return name.slice(0, name.indexOf('@'));
  const turned = /^[^,]+,\s*(\S+)/.exec(name)?.[1];
  return turned ?? name.split(/\s+/)[0] ?? name;
}

/** One or two letters for the round mark beside a sender. */
export function initials(address: EmailAddress): string {
  const name = displayName(address)
    .replace(/[^\p{L}\p{N}\s]/gu, ' ')
    .trim();
  if (/^\p{Script=Han}/u.test(name)) return name.slice(0, 1);
  const words = name.split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return (
    letters
      .map((word) => [...(word ?? '')][0] ?? '')
      .join('')
      .toUpperCase() || '?'
  );
}

/** 0…7, the same for the same address. */
export function hueOf(email: string): number {
  let hash = 2166136261;
  for (const char of email.toLowerCase()) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
  return (hash >>> 0) % 8;
}
