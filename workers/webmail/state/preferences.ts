/** What a person has set for this browser: theme, rows, language, accent, folded folders. Kept in localStorage. */
import { effect, signal } from '@preact/signals';
import { readStored, writeStored } from './stored.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export const DENSITIES = ['comfortable', 'compact'] as const;
export const ACCENTS = ['teal', 'blue', 'violet', 'moss', 'rose'] as const;
export type Theme = (typeof THEMES)[number];
export type Density = (typeof DENSITIES)[number];
export type Accent = (typeof ACCENTS)[number];

export interface Preferences {
  theme: Theme;
  density: Density;
  accent: Accent;
  /** null: as the browser says. */
  language: 'en' | 'zh' | null;
  foldersHidden: boolean;
}

const KEY = 'posthouse.preferences';
const DEFAULTS: Preferences = { theme: 'system', density: 'comfortable', accent: 'teal', language: null, foldersHidden: false };

export const preferences = signal<Preferences>(read());

/** Changes some and keeps them. */
export function prefer(change: Partial<Preferences>): void {
  preferences.value = { ...preferences.value, ...change };
  writeStored(KEY, JSON.stringify(preferences.value));
}

/** Puts theme, rows and accent on the root element, now and whenever they change. */
export function applyPreferences(root: HTMLElement): void {
  effect(() => {
    const { theme, density, accent } = preferences.value;
    if (theme === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme;
    root.dataset.density = density;
    root.dataset.accent = accent;
  });
}

/** Stored preferences may be anything: each one is taken only when it is one of ours. */
export function parsePreferences(stored: unknown): Preferences {
  const given = (typeof stored === 'object' && stored !== null ? stored : {}) as Record<string, unknown>;
  return {
    theme: THEMES.find((theme) => theme === given.theme) ?? DEFAULTS.theme,
    density: DENSITIES.find((density) => density === given.density) ?? DEFAULTS.density,
    accent: ACCENTS.find((accent) => accent === given.accent) ?? DEFAULTS.accent,
    language: given.language === 'en' || given.language === 'zh' ? given.language : null,
    foldersHidden: given.foldersHidden === true,
  };
}

function read(): Preferences {
  try {
    return parsePreferences(JSON.parse(readStored(KEY) ?? '{}'));
  } catch {
    return DEFAULTS;
  }
}
