/**
 * What the doors ask of the directory: who an address belongs to, who a caller is. `openDirectory(env)`
 * gives it; SQL lies beside this file only.
 */
import type { Account } from '../mail/types.ts';

/** Where mail for an address goes. */
export type Recipient = { status: 'deliverable'; account: Account } | { status: 'unknown' } | { status: 'foreign' };

export interface Receiver {
  id: number;
  name: string;
  /** Its public host name, the MX; null when none was given. */
  hostname: string | null;
  /** The HMAC key, 32 octets. */
  key: Uint8Array;
}

/** The relay outbound mail leaves through. Resend's key is a secret: the admin API never shows it. */
export type Relay = { kind: 'file' } | { kind: 'resend'; apiUrl: string; apiKey: string };

export interface Directory {
  /**
   * Exact address, then without its +detail, then an alias, then the domain's catch-all (unless the
   * address is blocked from it); `postmaster@` of our domains always. One query however many addresses.
   */
  resolve(addresses: string[]): Promise<Map<string, Recipient>>;
  /** The account that mail already answered with 250 goes to when its address has vanished; null for no domain of ours. */
  postmasterOf(address: string): Promise<Account | null>;
  account(id: number): Promise<Account | null>;
  /** Addresses the account may write as, first one first (aliases included, catch-all patterns not). */
  addressesOf(account: number): Promise<string[]>;
  /** Whether the account may use this address as From or MAIL FROM: an address or alias of it, with or without +detail, or an address its catch-all receives. */
  maySendAs(account: number, addresses: string[]): Promise<boolean>;
  /** Null when unknown or revoked. */
  receiver(id: number): Promise<Receiver | null>;
  /** Where outbound mail goes; null until an administrator chose. */
  relay(): Promise<Relay | null>;
}
