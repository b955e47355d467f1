/** What is on the screen: nothing yet, the login page, or the mail. */
import { useEffect } from 'preact/hooks';
import { resume, status } from '../state/session.ts';
import { begin } from '../state/sync.ts';
import { t } from '../text/messages.ts';
import { Login } from './login.tsx';
import { Shell } from './shell.tsx';

export function App() {
  const now = status.value;
  useEffect(() => {
    if (now === 'in') void begin();
  }, [now]);
  if (now === 'in') return <Shell />;
  if (now === 'out') return <Login />;
  if (now === 'unreachable') return <Unreachable />;
  return null;
}

function Unreachable() {
  return (
    <main class="login">
      <div class="notice" role="alert">
        <p>{t('login.offline')}</p>
        <button type="button" class="button" onClick={() => void resume()}>
          {t('action.retry')}
        </button>
      </div>
    </main>
  );
}
