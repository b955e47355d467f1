/**
 * Who is calling. A receiver signs its calls; a user brings an account token, a session cookie, a bearer
 * token or an app password. Every door asks here and nowhere else.
 */
import type { Context } from 'hono';
import type { Frame } from '../../shared/protocol.ts';
import type { Env } from '../env.ts';
import type { Receiver } from '../store/directory/types.ts';
import type { Account } from '../store/mail/types.ts';

type DoorContext = Context<{ Bindings: Env }>;

export interface UserCaller {
  account: Account;
  via: 'cookie' | 'bearer' | 'basic' | 'receiver';
  /** `submit` tokens may only submit. */
  scope: 'full' | 'submit';
}

/** A receiver's call with its frame read and verified, or the answer that refuses it (401, 413, 426). */
export async function readReceiverCall(_c: DoorContext): Promise<{ receiver: Receiver; frame: Frame } | Response> {
  throw new Error('to be written with auth');
}

/** The user a receiver acts for: its signature and `X-Posthouse-Token`, bound to that receiver. The frame is there for POSTs. */
export async function readUserCallByReceiver(
  _c: DoorContext,
): Promise<{ receiver: Receiver; caller: UserCaller; frame: Frame | null } | Response> {
  throw new Error('to be written with auth');
}

/** A person's or program's own call: cookie (Origin checked unless GET/HEAD), Bearer, or Basic with an app password. Else a 401 Response. */
export async function readUserCall(_c: DoorContext): Promise<UserCaller | Response> {
  throw new Error('to be written with auth');
}
