/** `/admin/relay`: where outbound mail goes. The relay's key comes in and never goes out. */
import { Hono } from 'hono';
import type { Env } from '../env.ts';
import { RESEND_API_URL, readRelay, writeRelay } from '../store/directory/relays.ts';
import type { Relay } from '../store/directory/types.ts';
import { type Fields, Refusal, readChoice, readFields, readText } from './fields.ts';

type Reader = (env: Env, fields: Fields) => Relay;
const READERS: Record<Relay['kind'], Reader> = { file: readFile, resend: readResend };
const KINDS = ['file', 'resend'] as const;

export const relayRoutes = new Hono<{ Bindings: Env }>()
  .get('/', async (c) => c.json(described(await readRelay(c.env))))
  .put('/', async (c) => {
    const fields = await readFields(c.req.raw);
    const relay = READERS[readChoice(fields, 'kind', KINDS)](c.env, fields);
    await writeRelay(c.env, relay, Date.now());
    return c.json(described(relay));
  });

function readFile(env: Env): Relay {
  if (env.FILE_RELAY) return { kind: 'file' };
  throw new Refusal(
    422,
    'The file relay exists only under "npm start": a Worker on Cloudflare has no files. Use: posthouse relay set resend',
  );
}

function readResend(_env: Env, fields: Fields): Relay {
  const apiUrl = fields.apiUrl === undefined ? RESEND_API_URL : readText(fields, 'apiUrl');
  const url = URL.parse(apiUrl);
  const isLocal = url !== null && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && isLocal)) {
    throw new Refusal(422, `"apiUrl" must be an https:// address, because the key travels with each call; it is "${apiUrl}".`);
  }
  return { kind: 'resend', apiUrl: apiUrl.replace(/\/+$/, ''), apiKey: readText(fields, 'apiKey') };
}

function described(relay: Relay | null): object {
  if (relay?.kind !== 'resend') return { kind: relay?.kind ?? null };
  return { kind: 'resend', apiUrl: relay.apiUrl, hasKey: relay.apiKey !== '' };
}
