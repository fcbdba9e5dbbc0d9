import type { IncomingMessage } from 'node:http';
import { expect, test } from '@jest/globals';
import { createClientAddressFinder } from './client-address.ts';

type Request = Parameters<ReturnType<typeof createClientAddressFinder>>[0];

const request = (remoteAddress: string | undefined, forwardedFor?: string): Request => ({
  socket: { remoteAddress } as IncomingMessage['socket'],
  headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor },
});
const behind = createClientAddressFinder(['10.2.0.0/16', '192.0.2.1', '2001:db8:1::/48']);

test('without trusted proxies it is the other end of the connection, whatever the header says', () => {
  const find = createClientAddressFinder([]);
  expect(find(request('203.0.113.5', '198.51.100.9'))).toBe('203.0.113.5');
  expect(find(request('::ffff:203.0.113.5'))).toBe('203.0.113.5');
  expect(find(request('2001:db8::5'))).toBe('2001:db8::5');
  expect(find(request(undefined, '198.51.100.9'))).toBeNull();
});

test('the header of somebody who is no trusted proxy is not believed', () => {
  expect(behind(request('203.0.113.5', '198.51.100.9'))).toBe('203.0.113.5');
  expect(behind(request('10.3.0.1', '198.51.100.9'))).toBe('10.3.0.1');
});

test.each([
  ['one proxy', '10.2.7.7', '198.51.100.9', '198.51.100.9'],
  ['a proxy seen as an IPv6 address', '::ffff:10.2.7.7', '198.51.100.9', '198.51.100.9'],
  ['two proxies', '10.2.7.7', '198.51.100.9, 192.0.2.1', '198.51.100.9'],
  ['an invented beginning', '10.2.7.7', '127.0.0.1, 198.51.100.9, 2001:db8:1::9', '198.51.100.9'],
  ['an invented trusted address', '10.2.7.7', '10.2.0.1, 198.51.100.9', '198.51.100.9'],
  ['trusted proxies alone', '10.2.7.7', '10.2.0.1,10.2.0.2', '10.2.0.1'],
  ['ports', '10.2.7.7', '198.51.100.9:51234', '198.51.100.9'],
  ['IPv6 with a port', '10.2.7.7', '[2001:db8::9]:51234', '2001:db8::9'],
  ['IPv6', '2001:db8:1::1', '2001:db8::9', '2001:db8::9'],
  ['a hidden address', '10.2.7.7', '198.51.100.9, unknown', '10.2.7.7'],
  ['something that is no address', '10.2.7.7', '198.51.100.9, <script>', '10.2.7.7'],
  ['an empty header', '10.2.7.7', '', '10.2.7.7'],
  ['no header', '10.2.7.7', undefined, '10.2.7.7'],
])('behind a trusted proxy the right-most address that is none counts: %s', (_case, socket, header, expected) => {
  expect(behind(request(socket, header))).toBe(expected);
});
