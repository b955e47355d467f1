/** The settings that need no page: theme, rows, accent, language, the page of keys, and the way out. */
import { complain } from '../state/actions.ts';
import { ACCENTS, DENSITIES, prefer, preferences, THEMES } from '../state/preferences.ts';
import { leave } from '../state/session.ts';
import { type Language, language, t } from '../text/messages.ts';
import { helpOpen } from './help.tsx';
import { Menu, MenuItem } from './menu.tsx';

const LANGUAGES: [Language, string][] = [
  ['en', 'English'],
  ['zh', '简体中文'],
];

export function SettingsMenu() {
  const { theme, density, accent } = preferences.value;
  return (
    <Menu icon="settings" label={t('action.settings')} place="above" testid="settings">
      {(close) => (
        <div class="settings">
          <Choice
            label={t('settings.theme')}
            options={THEMES.map((value) => [value, t(`settings.theme.${value}`)])}
            value={theme}
            onChoose={(value) => prefer({ theme: value })}
          />
          <Choice
            label={t('settings.density')}
            options={DENSITIES.map((value) => [value, t(`settings.density.${value}`)])}
            value={density}
            onChoose={(value) => prefer({ density: value })}
          />
          <Choice
            label={t('settings.language')}
            options={LANGUAGES}
            value={language.value}
            onChoose={(value) => prefer({ language: value })}
          />
          <div class="choice">
            <span class="choice-label">{t('settings.accent')}</span>
            <div class="swatches">
              {ACCENTS.map((value) => (
                <button
                  key={value}
                  type="button"
                  class="swatch"
                  data-accent={value}
                  role="menuitemradio"
                  aria-checked={value === accent}
                  aria-label={t(`settings.accent.${value}`)}
                  title={t(`settings.accent.${value}`)}
                  onClick={() => prefer({ accent: value })}
                />
              ))}
            </div>
          </div>
          <hr />
          <MenuItem
            label={t('action.help')}
            onClick={() => {
              close();
              helpOpen.value = true;
            }}
          />
          <MenuItem label={t('action.logout')} onClick={() => void leave().catch(complain)} />
        </div>
      )}
    </Menu>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  options: [T, string][];
  value: T;
  onChoose: (value: T) => void;
}

function Choice<T extends string>({ label, options, value, onChoose }: ChoiceProps<T>) {
  return (
    <div class="choice">
      <span class="choice-label">{label}</span>
      <div class="segments">
        {options.map(([option, name]) => (
          <button key={option} type="button" role="menuitemradio" aria-checked={option === value} onClick={() => onChoose(option)}>
            {name}
          </button>
        ))}
      </div>
    </div>
  );
}
