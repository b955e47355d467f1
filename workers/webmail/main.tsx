/** The webmail's first breath: take up the session, then show the mail or the login page. */
import './style/tokens.css';
import './style/base.css';
import './style/frame.css';
import './style/list.css';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { applyPreferences } from './state/preferences.ts';
import { followAddressBar } from './state/route.ts';
import { resume } from './state/session.ts';
import { LOCALES, language } from './text/messages.ts';
import { App } from './views/app.tsx';

applyPreferences(document.documentElement);
effect(() => {
  document.documentElement.lang = LOCALES[language.value];
});
followAddressBar();
const root = document.getElementById('app');
if (root) render(<App />, root);
void resume();
