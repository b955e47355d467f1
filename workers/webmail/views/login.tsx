/** The login page. The password is turned into a proof here and never sent (DESIGN.md, invariant 7). */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { RequestFailure } from '../jmap/client.ts';
import { prefer } from '../state/preferences.ts';
import { enterWith, sessionEnded } from '../state/session.ts';
import { readStored, writeStored } from '../state/stored.ts';
import { language, t } from '../text/messages.ts';
import { Icon } from './icon.tsx';

const ADDRESS_KEY = 'posthouse.address';

export function Login() {
  const address = useSignal(readStored(ADDRESS_KEY) ?? '');
  const password = useSignal('');
  const shown = useSignal(false);
  const working = useSignal(false);
  const problem = useSignal('');
  const addressField = useRef<HTMLInputElement>(null);
  const passwordField = useRef<HTMLInputElement>(null);
  useEffect(() => {
    (address.peek() ? passwordField : addressField).current?.focus();
    document.title = `${t('login.title')} · Posthouse`;
  }, []);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (working.value) return;
    working.value = true;
    problem.value = '';
    try {
      writeStored(ADDRESS_KEY, address.value);
      if (!(await enterWith(address.value.trim(), password.value))) {
        problem.value = t('login.wrong');
        passwordField.current?.select();
      }
    } catch (error) {
      problem.value = explain(error);
    } finally {
      working.value = false;
    }
  };

  return (
    <main class="login">
      <form class="login-form" onSubmit={submit} data-testid="login-form" aria-labelledby="login-title">
        <img src="/favicon.svg" alt="" width="40" height="40" />
        <h1 id="login-title">{t('app.name')}</h1>
        {sessionEnded.value && <p class="notice">{t('login.ended')}</p>}
        <label class="field">
          <span>{t('login.address')}</span>
          <input
            ref={addressField}
            name="username"
            type="email"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            value={address.value}
            onInput={(event) => {
              address.value = event.currentTarget.value;
            }}
          />
        </label>
        <label class="field">
          <span>{t('login.password')}</span>
          <span class="field-row">
            <input
              ref={passwordField}
              name="password"
              type="password"
              autocomplete="current-password"
              required
              aria-invalid={problem.value !== ''}
              aria-describedby="login-problem"
              value={password.value}
              onInput={(event) => {
                password.value = event.currentTarget.value;
              }}
            />
            <button
              type="button"
              class="icon-button"
              aria-pressed={shown.value}
              aria-label={t(shown.value ? 'login.hide' : 'login.show')}
              title={t(shown.value ? 'login.hide' : 'login.show')}
              onClick={() => {
                shown.value = !shown.value;
                if (passwordField.current) passwordField.current.type = shown.value ? 'text' : 'password';
              }}
            >
              <Icon name={shown.value ? 'eyeOff' : 'eye'} />
            </button>
          </span>
        </label>
        <p id="login-problem" class="problem" role="alert" data-testid="login-problem">
          {problem.value}
        </p>
        <button type="submit" class="button primary wide" disabled={working.value}>
          {t(working.value ? 'login.working' : 'login.submit')}
        </button>
        <p class="hint">{t('login.note')}</p>
      </form>
      <button type="button" class="link language" onClick={() => prefer({ language: language.value === 'zh' ? 'en' : 'zh' })}>
        {language.value === 'zh' ? 'English' : '简体中文'}
      </button>
    </main>
  );
}

function explain(error: unknown): string {
  if (error instanceof RequestFailure && error.kind === 'offline') return t('login.offline');
  return t('login.failed', { reason: error instanceof Error ? error.message : String(error) });
}
