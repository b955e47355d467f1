/** The one question asked before something that cannot be undone. */
import { signal } from '@preact/signals';
import type { Id } from '../jmap/types.ts';
import { deletesForever, remove } from '../state/actions.ts';
import { t, tn } from '../text/messages.ts';
import { Dialog } from './dialog.tsx';

const asked = signal<Id[] | null>(null);

/** Deletes; from Trash only after asking. */
export function removeAsking(threadIds: Id[]): void {
  if (threadIds.length === 0) return;
  if (deletesForever()) asked.value = threadIds;
  else void remove(threadIds);
}

export function Confirm() {
  const threadIds = asked.value;
  if (!threadIds) return null;
  const close = () => {
    asked.value = null;
  };
  return (
    <Dialog label={t('action.deleteForever')} onClose={close} testid="confirm">
      <p>{tn('confirm.deleteForever', threadIds.length)}</p>
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={close}>
          {t('action.cancel')}
        </button>
        <button
          type="button"
          class="button danger"
          onClick={() => {
            close();
            void remove(threadIds);
          }}
        >
          {t('action.deleteForever')}
        </button>
      </div>
    </Dialog>
  );
}
