/** A list with nothing in it says why, and what one can do. */
import { sendTest } from '../state/compose.ts';
import { currentMailbox, folderName } from '../state/mailboxes.ts';
import { route } from '../state/route.ts';
import { who } from '../state/session.ts';
import { t } from '../text/messages.ts';
import { folderIcon, Icon } from './icon.tsx';

export function EmptyList() {
  const { search } = route.value;
  const mailbox = currentMailbox.value;
  if (search !== null) {
    return (
      <div class="quiet" data-testid="empty">
        <Icon name="search" />
        <p>{t('list.noResults', { query: search })}</p>
        <p class="hint">{t('list.noResultsHow')}</p>
      </div>
    );
  }
  if (mailbox?.role === 'inbox') {
    return (
      <div class="quiet" data-testid="empty">
        <Icon name="inbox" />
        <p>{t('list.emptyInbox')}</p>
        <p class="hint">{t('list.emptyInboxHow', { address: who.value.address })}</p>
        <button type="button" class="button" onClick={() => void sendTest()}>
          {t('list.sendTest')}
        </button>
      </div>
    );
  }
  return (
    <div class="quiet" data-testid="empty">
      <Icon name={folderIcon(mailbox?.role ?? null)} />
      <p>{t('list.empty', { folder: mailbox ? folderName(mailbox) : '' })}</p>
    </div>
  );
}
