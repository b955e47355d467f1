/**
 * The words people see, in their language: `navigator.language` chooses, the settings overrule it.
 * Reading `t` inside a component subscribes it, so switching needs no reload.
 */
import { computed } from '@preact/signals';
import { preferences } from '../state/preferences.ts';
import { en, type MessageKey, type Messages } from './en.ts';
import { zh } from './zh.ts';

export type Language = 'en' | 'zh';
type Values = Record<string, string | number>;
const TABLES: Record<Language, Messages> = { en, zh };
/** BCP 47 tags for Intl and the lang attribute. */
export const LOCALES: Record<Language, string> = { en: 'en-GB', zh: 'zh-CN' };

/** The language in use. */
export const language = computed<Language>(() => preferences.value.language ?? preferredLanguage(navigator.languages));

/** The first of the browser's languages that we speak. */
export function preferredLanguage(tags: readonly string[]): Language {
  for (const tag of tags) {
    if (/^zh\b/i.test(tag)) return 'zh';
    if (/^en\b/i.test(tag)) return 'en';
  }
  return 'en';
}

/** The message for `key`, its `{name}`s filled in. */
export function t(key: MessageKey, values: Values = {}): string {
  return fill(TABLES[language.value][key], values);
}

type PluralKey = MessageKey extends infer K ? (K extends `${infer Stem}.other` ? Stem : never) : never;

/** The plural form for `n`; `{n}` is the grouped number. */
export function tn(key: PluralKey, n: number, values: Values = {}): string {
  const locale = LOCALES[language.value];
  const form = new Intl.PluralRules(locale).select(n) === 'one' ? 'one' : 'other';
  return t(`${key}.${form}` as MessageKey, { n: n.toLocaleString(locale), ...values });
}

/** Replaces `{name}`; a name without a value stays, so that a mistake is seen. */
export function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
