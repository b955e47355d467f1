/** Look-ups under a budget, and a resolver that falls silent. */
import { afterEach, describe, expect, it } from 'vitest';
import { Dns } from '../../../receiver/verify/dns.ts';
import { type DnsServer, startDns } from '../../support/dns.ts';
import { EventLog, until } from '../smtp/world.ts';

let server: DnsServer;
let dns: Dns;
let log: EventLog;

async function start(options: { budgetMs: number; probeMs: number }) {
  server = await startDns({ 'a.test': { A: ['192.0.2.1'], TXT: ['x'.repeat(700)] }, 'slow.test': { silent: true } });
  log = new EventLog();
  dns = new Dns({ server: server.address, log, ...options });
}
afterEach(async () => {
  dns.close();
  await server.close();
});

/** Milliseconds until one message's look-up has failed or succeeded. */
async function ask(name: string): Promise<{ code: string; ms: number }> {
  const begun = Date.now();
  const lookups = dns.lookups();
  const code = await lookups.resolve(name, 'A').then(
    () => 'answered',
    (error) => String(error.code),
  );
  lookups.end();
  return { code, ms: Date.now() - begun };
}

describe('look-ups', () => {
  it('are answered, by TCP when the answer is long, and say what is not there', async () => {
    await start({ budgetMs: 5000, probeMs: 5000 });
    const lookups = dns.lookups();
    expect(await lookups.resolve('a.test', 'A')).toEqual(['192.0.2.1']);
    expect((await lookups.resolve('a.test', 'TXT')).flat().join('')).toBe('x'.repeat(700));
    await expect(lookups.resolve('no.test', 'A')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(lookups.resolve('a.test', 'MX')).rejects.toMatchObject({ code: 'ENODATA' });
    lookups.end();
  });

  it('are not asked twice within a minute, and every asker gets a list of its own', async () => {
    await start({ budgetMs: 5000, probeMs: 5000 });
    const lookups = dns.lookups();
    for (let i = 0; i < 3; i++) {
      const list = (await lookups.resolve('a.test', 'A')) as string[];
      expect(list).toEqual(['192.0.2.1']);
      list.push('spoiled');
      await expect(lookups.resolve('no.test', 'A')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    }
    expect(server.questions).toEqual(['a.test A', 'no.test A']);
    lookups.end();
  });

  it('of one message are counted', async () => {
    await start({ budgetMs: 5000, probeMs: 5000 });
    const lookups = dns.lookups();
    for (let i = 0; i < 70; i++) server.records.set(`${i}.a.test`, { A: ['192.0.2.1'] });
    const results = await Promise.allSettled(Array.from({ length: 70 }, (_, i) => lookups.resolve(`${i}.a.test`, 'A')));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(60);
    lookups.end();
  });

  it('share one budget', async () => {
    await start({ budgetMs: 300, probeMs: 5000 });
    const lookups = dns.lookups();
    const begun = Date.now();
    await Promise.allSettled([lookups.resolve('slow.test', 'A'), lookups.resolve('slow.test', 'MX')]);
    await expect(lookups.resolve('a.test', 'A')).rejects.toMatchObject({ code: 'ETIMEOUT' });
    expect(Date.now() - begun).toBeLessThan(1000);
    lookups.end();
  });
});

describe('a silent resolver', () => {
  it('costs one message its budget, the next nothing, and is noticed when it is back', async () => {
    await start({ budgetMs: 400, probeMs: 50 });
    server.setSilent(true);
    const first = await ask('a.test');
    expect(first.code).toBe('ETIMEOUT');
    expect(first.ms).toBeGreaterThan(350);
    for (let i = 0; i < 20; i++) {
      const { code, ms } = await ask('a.test');
      expect(code).toBe('ETIMEOUT');
      expect(ms).toBeLessThan(50);
    }
    expect(log.has('dns.silent')).toBe(true);
    server.setSilent(false);
    await until(() => !dns.silent, 'the resolver to be back');
    expect((await ask('a.test')).code).toBe('answered');
  });

  it('frees every message that was waiting', async () => {
    await start({ budgetMs: 400, probeMs: 5000 });
    server.setSilent(true);
    const first = ask('a.test');
    const others = Array.from({ length: 5 }, () => ask('a.test'));
    await first;
    for (const { ms } of await Promise.all(others)) expect(ms).toBeLessThan(500);
  });

  it('is not suspected because one domain is', async () => {
    await start({ budgetMs: 400, probeMs: 5000 });
    expect((await ask('slow.test')).code).toBe('ETIMEOUT');
    expect(dns.silent).toBe(false);
    expect((await ask('a.test')).code).toBe('answered');
  });
});
