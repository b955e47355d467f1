/**
 * The MTA-STS policy (RFC 8461 §3.2, §3.3) of every domain of ours, at `mta-sts.<domain>`: which hosts
 * take its mail, and that they must speak TLS. Lines end in CRLF. Any other host is not found.
 */
import { Hono } from 'hono';
import { normaliseDomain } from '../../shared/address.ts';
import type { Env } from '../env.ts';
import { type Domain, findDomain } from '../store/directory/domains.ts';
import { mxHosts } from '../store/directory/receivers.ts';

const POLICY_HOST = /^mta-sts\.(.+)$/;
/** Senders keep the policy for `max_age` themselves; this spares the Worker the busiest of them. */
const CACHE_SECONDS = 300;

export const policyRoutes = new Hono<{ Bindings: Env }>().get('/.well-known/mta-sts.txt', async (c) => {
  const name = policyDomain(c.req.header('host'), c.req.url);
  const domain = name === null ? null : await findDomain(c.env, name);
  if (!domain) return c.text('No policy here: this host is not mta-sts.<domain> of a domain of this installation.\n', 404);
  const registered = await mxHosts(c.env);
  const text = policyText(domain, registered.length > 0 ? registered : configuredHosts(c.env));
  return c.text(text, 200, { 'cache-control': `public, max-age=${CACHE_SECONDS}` });
});

/** The domain whose policy host was asked for; a `Host` header counts before the URL. */
function policyDomain(host: string | undefined, url: string): string | null {
  const asked = (host ?? new URL(url).host).toLowerCase().replace(/:\d+$/, '');
  return normaliseDomain(POLICY_HOST.exec(asked)?.[1] ?? '');
}

function configuredHosts(env: Env): string[] {
  return (env.MX_HOSTS ?? '').split(',').flatMap((host) => normaliseDomain(host.trim()) ?? []);
}

/** RFC 8461 §3.2. Without a host there is nothing to demand: the mode is `none`. */
function policyText({ mtaStsMode, mtaStsMaxAge }: Domain, hosts: string[]): string {
  const mode = hosts.length === 0 ? 'none' : mtaStsMode;
  const lines = ['version: STSv1', `mode: ${mode}`, ...hosts.map((host) => `mx: ${host}`), `max_age: ${mtaStsMaxAge}`];
  return lines.map((line) => `${line}\r\n`).join('');
}
