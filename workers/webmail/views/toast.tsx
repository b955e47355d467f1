/** The corner toast. */
import { dismiss, toast, undoLast } from '../state/toasts.ts';
import { t } from '../text/messages.ts';
import { IconButton } from './button.tsx';

export function ToastCorner() {
  const now = toast.value;
  return (
    <div class="toast-corner" role="status" aria-live="polite">
      {now && (
        <div class={now.danger ? 'toast danger' : 'toast'} data-testid="toast">
          <span>{now.text}</span>
          {now.undo && (
            <button type="button" class="link" title={`${t('action.undo')} (z)`} onClick={undoLast}>
              {t('action.undo')}
            </button>
          )}
          <IconButton icon="close" label={t('action.close')} onClick={dismiss} />
        </div>
      )}
    </div>
  );
}
