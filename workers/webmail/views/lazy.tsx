/** A view whose code comes when it is first shown; a failed fetch offers to try again. */
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../text/messages.ts';

type Load = () => Promise<ComponentType>;
const loaded = new Map<Load, ComponentType>();

export function Lazy({ load, fallback }: { load: Load; fallback: JSX.Element | null }) {
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<'loading' | 'ready' | 'failed'>(loaded.has(load) ? 'ready' : 'loading');
  useEffect(() => {
    if (loaded.has(load)) return setState('ready');
    setState('loading');
    load().then(
      (view) => {
        loaded.set(load, view);
        setState('ready');
      },
      () => {
        // Twice in vain though online: a newer version is out and this one's files are gone.
        if (attempt > 0 && navigator.onLine) location.reload();
        setState('failed');
      },
    );
  }, [load, attempt]);
  const View = loaded.get(load);
  if (state === 'ready' && View) return <View />;
  if (state === 'loading') return fallback;
  return (
    <div class="notice" role="alert">
      <p>{t('login.offline')}</p>
      <button type="button" class="button" onClick={() => setAttempt(attempt + 1)}>
        {t('action.retry')}
      </button>
    </div>
  );
}
