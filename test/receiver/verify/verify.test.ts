/** Verdicts on messages whose truth is known, against a DNS server of our own. */
import { generateKeyPairSync } from 'node:crypto';
import { dkimSign } from 'mailauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../../receiver/log.ts';
import { Dns } from '../../../receiver/verify/dns.ts';
import { type Unverified, verify } from '../../../receiver/verify/verify.ts';
import type { Verdicts } from '../../../shared/protocol.ts';
import { type DnsServer, startDns } from '../../support/dns.ts';

const key = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicKey = key.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
const privateKey = key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const text = 'From: Ann <ann@good.test>\r\nTo: me@example.test\r\nSubject: x\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\nhello\r\n';

let server: DnsServer;
let dns: Dns;

beforeAll(async () => {
  server = await startDns({
    'good.test': { TXT: ['v=spf1 ip4:192.0.2.1 -all'], MX: [[10, 'mx.good.test']] },
    'mail.good.test': { TXT: ['v=spf1 ip4:192.0.2.7 -all'] },
    'sel._domainkey.good.test': { TXT: [`v=DKIM1; k=rsa; p=${publicKey}`] },
    '_dmarc.good.test': { TXT: ['v=DMARC1; p=reject; adkim=r; aspf=r'] },
    'soft.test': { TXT: ['v=spf1 mx ~all'], MX: [[10, 'mx.soft.test']] },
    'mx.soft.test': { A: ['192.0.2.9'] },
    'broken.test': { TXT: ['v=spf1 include:loop.test -all'] },
    'loop.test': { TXT: ['v=spf1 include:loop.test -all'] },
    'other.test': { TXT: ['v=spf1 ip4:192.0.2.1 -all'] },
    'sel._domainkey.other.test': { TXT: [`v=DKIM1; k=rsa; p=${publicKey}`] },
    'revoked._domainkey.good.test': { TXT: ['v=DKIM1; k=rsa; p='] },
    'six.test': { TXT: ['v=spf1 ip6:2001:db8::/32 -all'] },
  });
  dns = new Dns({ server: server.address, log: silentLog });
});
afterAll(async () => {
  dns.close();
  await server.close();
});

async function sign(message: string, domain = 'good.test', selector = 'sel'): Promise<string> {
  const signer = { signingDomain: domain, selector, privateKey, algorithm: 'rsa-sha256' as const };
  const { signatures } = await dkimSign(message, {
    canonicalization: 'relaxed/relaxed',
    ...signer,
    signatureData: [signer],
  });
  return signatures + message;
}

function check(message: string, facts: Partial<Unverified> = {}) {
  return verify(
    {
      octets: () => Buffer.from(message, 'latin1'),
      headerSize: message.indexOf('\r\n\r\n') + 4,
      signatures: 1,
      remoteAddress: '192.0.2.1',
      helo: 'mail.good.test',
      mailFrom: 'ann@good.test',
      ...facts,
    },
    { hostname: 'mx.example.test', dns, log: silentLog },
  );
}

const plain = () => Promise.resolve(text);
const elsewhere = { remoteAddress: '198.51.100.1' };

describe('verdicts', () => {
  const table: [string, () => Promise<string>, Partial<Unverified>, Partial<Verdicts>][] = [
    ['a signed message from the right address', () => sign(text), {}, { spf: 'pass', dkim: 'pass', dmarc: 'pass', domain: 'good.test' }],
    ['an unsigned message from the right address', plain, {}, { spf: 'pass', dkim: 'none', dmarc: 'pass' }],
    ['a forwarded, signed message', () => sign(text), elsewhere, { spf: 'fail', dkim: 'pass', dmarc: 'pass' }],
    ['a forged message', plain, elsewhere, { spf: 'fail', dkim: 'none', dmarc: 'fail' }],
    ['a changed body', async () => `${await sign(text)}PS`, elsewhere, { dkim: 'fail', dmarc: 'fail' }],
    ['a changed subject', async () => (await sign(text)).replace('Subject: x', 'Subject: y'), elsewhere, { dkim: 'fail', dmarc: 'fail' }],
    ['a missing key', () => sign(text, 'good.test', 'nokey'), elsewhere, { dkim: 'neutral', dmarc: 'fail' }],
    ['a revoked key', () => sign(text, 'good.test', 'revoked'), elsewhere, { dkim: 'neutral', dmarc: 'fail' }],
    ['a signature by somebody else', () => sign(text, 'other.test'), elsewhere, { dkim: 'pass', dmarc: 'fail' }],
    ['somebody else’s envelope', plain, { mailFrom: 'x@other.test' }, { spf: 'pass', dmarc: 'fail' }],
    ['a bounce from the HELO name’s address', plain, { mailFrom: '', remoteAddress: '192.0.2.7' }, { spf: 'pass', dmarc: 'pass' }],
    ['a softfail', plain, { mailFrom: 'x@soft.test' }, { spf: 'softfail' }],
    ['a pass by mx', plain, { mailFrom: 'x@soft.test', remoteAddress: '192.0.2.9' }, { spf: 'pass' }],
    ['a record that loops', plain, { mailFrom: 'x@broken.test' }, { spf: 'permerror' }],
    ['a domain without SPF', plain, { mailFrom: 'x@nothing.test' }, { spf: 'none' }],
    ['IPv6', plain, { mailFrom: 'x@six.test', remoteAddress: '2001:db8::1' }, { spf: 'pass' }],
    ['two From fields', async () => `From: eve@evil.test\r\n${text}`, {}, { dmarc: 'permerror' }],
    ['no From field', async () => 'Subject: x\r\n\r\nx', {}, { dmarc: 'none' }],
    ['no message at all', async () => '', {}, { dkim: 'none', dmarc: 'none' }],
    ['more signatures than anyone needs', () => sign(text), { signatures: 21 }, { spf: 'permerror', dkim: 'permerror' }],
  ];
  it.each(table)('on %s are right', async (_, message, facts, expected) => {
    expect((await check(await message(), facts)).verdicts).toMatchObject(expected);
  });

  it('are told in Authentication-Results', async () => {
    const { field } = await check(await sign(text));
    expect(field).toMatch(
      /^Authentication-Results: mx\.example\.test;\r\n\tspf=pass smtp\.mailfrom=ann@good\.test;\r\n\tdkim=pass header\.d=good\.test header\.s=sel header\.b=[^\s;]{8,12};\r\n\tdmarc=pass header\.from=good\.test;\r\n\tarc=none\r\n$/,
    );
  });

  it('on what a stranger wrote cannot break out of the field', async () => {
    const evil = 'DKIM-Signature: v=1; a=rsa-sha256; d="x; dkim=pass header.d=good.test; s=a(b; h=from; bh=x; b=y"z\r\n';
    const { field } = await check(evil + text, { mailFrom: 'a";dmarc=pass\u00e9(@x.test', remoteAddress: '198.51.100.1' });
    expect(field.split('\r\n').every((line, i) => i === 0 || line === '' || line.startsWith('\t'))).toBe(true);
    const outsideQuotes = field.replace(/"(?:[^"\\]|\\.)*"/g, '""');
    expect(outsideQuotes).not.toMatch(/dkim=pass|dmarc=pass|\(/);
  });
});
