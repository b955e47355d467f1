/** The reading pane with nothing open. */
import { t } from '../text/messages.ts';

export function NoConversation() {
  const [before = '', after = ''] = t('read.noneHow').split('{key}');
  return (
    <div class="quiet">
      <p>{t('read.none')}</p>
      <p class="hint">
        {before}
        <kbd>?</kbd>
        {after}
      </p>
    </div>
  );
}
