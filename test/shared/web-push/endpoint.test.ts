import { expect, test } from 'vitest';
import { ENDPOINT_MAX, readEndpoint } from '../../../shared/web-push/endpoint.ts';

test('a push service by its name is accepted, on 443 or a high port', () => {
  for (const url of [
    'https://updates.push.services.example/wpush/v2/gAAA?x=1',
    'https://fcm.example.com:8443/fcm/send/a:b',
    'HTTPS://Push.Example.net/',
  ])
    expect(readEndpoint(url, false), url).toMatchObject({ isLoopback: false });
  expect(readEndpoint('https://push.example.net:443/a', false)).toMatchObject({ origin: 'https://push.example.net' });
});

test.each([
  'http://push.example.net/',
  'ftp://push.example.net/',
  'push.example.net/x',
  '//push.example.net/',
  'https:push.example.net',
  '',
  'https://',
  'https://user@push.example.net/',
  'https://user:secret@push.example.net/',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://2130706433/',
  'https://0x7f.0.0.1/',
  'https://0177.0.0.1/',
  'https://10.0.0.1/',
  'https://192.168.1.1/',
  'https://169.254.169.254/latest/meta-data',
  'https://8.8.8.8/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[2001:db8::1]/',
  'https://localhost/',
  'https://LOCALHOST./',
  'https://a.localhost/',
  'https://router/',
  'https://printer.local/',
  'https://metadata.google.internal/',
  'https://nas.home.arpa./',
  'https://push.example.net:25/',
  'https://push.example.net:80/',
  `https://push.example.net/${'x'.repeat(ENDPOINT_MAX)}`,
])('%s is refused', (url) => {
  expect(readEndpoint(url, false)).toHaveProperty('refused');
});

test('where loopback is allowed it is, by http and https, and nothing else is', () => {
  for (const url of ['http://127.0.0.1:9999/push', 'https://localhost:9999/push', 'http://[::1]:9999/'])
    expect(readEndpoint(url, true), url).toMatchObject({ isLoopback: true });
  for (const url of ['http://push.example.net/', 'https://10.0.0.1/', 'http://localhost.example.net/', 'http://u@127.0.0.1/'])
    expect(readEndpoint(url, true), url).toHaveProperty('refused');
});
