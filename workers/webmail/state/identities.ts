/** Who one may write as (RFC 8621 §6); asked for once, when the first message is begun. */
import { signal } from '@preact/signals';
import type { GetAnswer } from '../jmap/client.ts';
import type { Identity } from '../jmap/types.ts';
import { jmap } from './session.ts';

export const identities = signal<Identity[]>([]);

/** The identities; throws RequestFailure when the server cannot be asked. */
export async function loadIdentities(): Promise<Identity[]> {
  if (identities.value.length > 0) return identities.value;
  const answers = await jmap().send([['Identity/get', { ids: null }, 'identities']]);
  identities.value = answers.get<GetAnswer<Identity>>('identities').list;
  return identities.value;
}
