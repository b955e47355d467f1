/** A phone's bottom bar: the three most used actions, under the thumb. */
import { archive } from '../state/actions.ts';
import { answer, write } from '../state/compose.ts';
import { conversation } from '../state/conversation.ts';
import { route } from '../state/route.ts';
import { targets } from '../state/selection.ts';
import { t } from '../text/messages.ts';
import { removeAsking } from './confirm.tsx';
import { Icon, type IconName } from './icon.tsx';
import { focusSearch } from './keys.ts';
import { drawerOpen } from './shell.tsx';

export function BottomBar() {
  const reading = route.value.thread !== null;
  return (
    <nav class="bottom-bar" aria-label={t('action.menu')}>
      {reading ? (
        <>
          <Item icon="archive" label={t('action.archive')} onClick={() => void archive(targets())} />
          <Item icon="trash" label={t('action.delete')} onClick={() => removeAsking(targets())} />
          <Item icon="reply" label={t('action.reply')} onClick={replyToLast} />
        </>
      ) : (
        <>
          <Item
            icon="menu"
            label={t('folders.label')}
            onClick={() => {
              drawerOpen.value = true;
            }}
          />
          <Item icon="search" label={t('action.search')} onClick={focusSearch} />
          <Item icon="write" label={t('action.compose')} onClick={() => void write()} />
        </>
      )}
    </nav>
  );
}

function Item({ icon, label, onClick }: { icon: IconName; label: string; onClick: () => void }) {
  return (
    <button type="button" class="bottom-item" onClick={onClick}>
      <Icon name={icon} />
      <span>{label}</span>
    </button>
  );
}

function replyToLast(): void {
  const message = conversation.value?.messages.findLast(({ keywords }) => !keywords.$draft);
  if (message) void answer('reply', message);
}
