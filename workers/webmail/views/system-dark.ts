/** Whether the system is set to dark, as it changes. */
import { signal } from '@preact/signals';

const query = matchMedia('(prefers-color-scheme: dark)');
export const systemDark = signal(query.matches);
query.addEventListener('change', () => {
  systemDark.value = query.matches;
});
