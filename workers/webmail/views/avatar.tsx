/** A sender's initials on one of eight muted hues. */
import type { EmailAddress } from '../jmap/types.ts';
import { hueOf, initials } from '../text/names.ts';

export function Avatar({ address }: { address: EmailAddress | null }) {
  return (
    <span class={`avatar hue-${address ? hueOf(address.email) : 0}`} aria-hidden="true">
      {address ? initials(address) : '?'}
    </span>
  );
}
