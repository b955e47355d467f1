/** The page of keys, behind `?`. */
import { signal } from '@preact/signals';
import type { MessageKey } from '../text/en.ts';
import { t } from '../text/messages.ts';
import { IconButton } from './button.tsx';
import { Dialog } from './dialog.tsx';

export const helpOpen = signal(false);

const ROWS: [keys: string[], what: MessageKey][] = [
  [['j', 'k'], 'keys.move'],
  [['o', 'Enter'], 'keys.open'],
  [['u'], 'keys.up'],
  [['x'], 'keys.select'],
  [['e'], 'keys.archive'],
  [['#'], 'keys.delete'],
  [['!'], 'keys.junk'],
  [['s'], 'keys.star'],
  [['Shift+U'], 'keys.unread'],
  [['Shift+I'], 'keys.read'],
  [['r', 'a', 'f'], 'keys.reply'],
  [['c'], 'keys.compose'],
  [['/'], 'keys.search'],
  [['z'], 'keys.undo'],
  [['g i', 'g s', 'g t', 'g d'], 'keys.go'],
  [['Ctrl+Enter'], 'keys.send'],
  [['Esc'], 'keys.escape'],
  [['?'], 'keys.help'],
];

export function Help() {
  if (!helpOpen.value) return null;
  const close = () => {
    helpOpen.value = false;
  };
  return (
    <Dialog label={t('keys.title')} onClose={close} testid="help">
      <header class="dialog-head">
        <h2>{t('keys.title')}</h2>
        <IconButton icon="close" label={t('action.close')} keyName="Esc" onClick={close} />
      </header>
      <dl class="keys">
        {ROWS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{t(what)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
