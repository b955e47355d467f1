/** A field of recipients: what is typed becomes a chip at a comma, Enter or on leaving; known senders are suggested. */
import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import type { EmailAddress } from '../jmap/types.ts';
import { noteUnfinished } from '../state/compose.ts';
import { suggest } from '../state/known-people.ts';
import { t } from '../text/messages.ts';
import { displayName } from '../text/names.ts';
import { distinct, parseRecipients } from '../writing/addresses.ts';
import { Icon } from './icon.tsx';

interface Props {
  name: 'to' | 'cc' | 'bcc';
  label: string;
  addresses: EmailAddress[];
  onChange: (addresses: EmailAddress[]) => void;
}

export function Recipients({ name, label, addresses, onChange }: Props) {
  const text = useSignal('');
  const bad = useSignal('');
  const focused = useSignal(false);
  const chosen = useSignal(-1);
  const listId = useId();
  const suggestions = focused.value && text.value.length > 0 ? suggest(text.value, addresses) : [];

  const add = (added: EmailAddress[], rest = '') => {
    if (added.length > 0) onChange(distinct([...addresses, ...added]));
    text.value = rest;
    noteUnfinished(name, rest);
    chosen.value = -1;
  };
  const take = () => {
    const { addresses: found, rest } = parseRecipients(text.value);
    bad.value = rest[0] ?? '';
    if (found.length > 0 || rest.length > 0) add(found, rest.join(', '));
  };
  const press = (event: KeyboardEvent) => {
    const act = keyAction(event.key, { text: text.value, suggestions: suggestions.length, chosen: chosen.value });
    if (act === null || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (act !== 'leave') event.preventDefault();
    if (act === 'choose') add(suggestions.slice(Math.max(0, chosen.value), Math.max(0, chosen.value) + 1));
    else if (act === 'take' || act === 'leave') take();
    else if (act === 'drop') onChange(addresses.slice(0, -1));
    else if (act === 'hide') text.value = '';
    else chosen.value = (chosen.value + (act === 'down' ? 1 : suggestions.length + (chosen.value < 0 ? 0 : -1))) % suggestions.length;
  };

  return (
    <div class="recipients">
      <span class="field-label">{label}</span>
      <div class="chips">
        {addresses.map((address) => (
          <span class="chip" key={address.email} title={address.email}>
            {displayName(address)}
            <button
              type="button"
              aria-label={t('write.remove', { name: displayName(address) })}
              onClick={() => onChange(addresses.filter((one) => one !== address))}
            >
              <Icon name="close" />
            </button>
          </span>
        ))}
        <input
          name={name}
          aria-label={label}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          role="combobox"
          aria-expanded={suggestions.length > 0}
          aria-controls={listId}
          aria-invalid={bad.value !== ''}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
            noteUnfinished(name, text.value);
            bad.value = '';
            if (/[,;\uff0c\uff1b\n]\s*$/.test(text.value)) take();
          }}
          onKeyDown={press}
          onFocus={() => {
            focused.value = true;
          }}
          onBlur={() => {
            focused.value = false;
            take();
          }}
        />
        {bad.value && <span class="problem">{t('write.badAddress', { text: bad.value })}</span>}
      </div>
      {suggestions.length > 0 && (
        <div class="suggestions" id={listId} role="listbox" aria-label={label}>
          {suggestions.map((address, index) => (
            <div
              key={address.email}
              role="option"
              tabIndex={-1}
              aria-selected={index === Math.max(0, chosen.value)}
              onPointerDown={(event) => {
                event.preventDefault();
                add([address]);
              }}
            >
              <span>{displayName(address)}</span>
              <span class="hint">{address.email}</span>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

type KeyAction = 'choose' | 'take' | 'leave' | 'drop' | 'hide' | 'down' | 'up';

function keyAction(key: string, { text, suggestions, chosen }: { text: string; suggestions: number; chosen: number }): KeyAction | null {
  if (suggestions > 0 && (key === 'ArrowDown' || key === 'ArrowUp')) return key === 'ArrowDown' ? 'down' : 'up';
  if (suggestions > 0 && key === 'Escape') return 'hide';
  const complete = parseRecipients(text).addresses.length > 0;
  if (suggestions > 0 && (key === 'Enter' || key === 'Tab') && (chosen >= 0 || !complete)) return 'choose';
  if (key === 'Enter') return 'take';
  if (key === 'Tab' && text !== '') return 'leave';
  return key === 'Backspace' && text === '' ? 'drop' : null;
}
