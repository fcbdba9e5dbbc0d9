import { createServer as createTcpServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { AttemptOutcome } from '@signpost/delivery';
import type { Resolver } from './resolver.ts';
import { issueCertificate } from './test-support/certificates.ts';
import { answeringLate } from './test-support/lookups.ts';
import { listen } from './test-support/raw-receiver.ts';
import { deadlineMs, ok, send, useTransports } from './test-support/transport-fixture.ts';

const fixture = useTransports();
const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map(server => new Promise(done => server.close(done)))));

/** How long a peer takes for its part, in ms, and the least that must be seen of it: timers may be a millisecond early. */
const slowMs = 40;
const seenMs = slowMs - 2;
const whole = expect.any(Number);
const slowly = answeringLate(slowMs, '127.0.0.1');
const at = (port: number, scheme = 'http'): string => `${scheme}://hooks.example.com:${port}/`;

/** Every phase is told in whole ms, and together they are no longer than the attempt. */
function expectPartsOfTotal({ timings, durationMs }: AttemptOutcome): void {
  const parts = [timings.dnsMs, timings.connectMs, timings.tlsMs, timings.firstByteMs].filter(part => part !== null);
  for (const part of parts) expect(Number.isInteger(part) && part >= 0).toBe(true);
  expect(parts.reduce((sum, part) => sum + part, 0)).toBeLessThanOrEqual(durationMs);
}

const authority = issueCertificate({ commonName: 'Test authority', isAuthority: true });
const certificate = issueCertificate({ commonName: 'Receiver', hosts: ['hooks.example.com'], issuer: authority });

/** An HTTPS receiver that lets the handshake wait. */
async function startSlowTls(): Promise<number> {
  const tls = createTlsServer(
    { key: certificate.keyPem, cert: certificate.certificatePem, ALPNProtocols: ['http/1.1'] },
    socket => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write(ok));
    },
  );
  const tcp = createTcpServer({ pauseOnConnect: true }, socket => {
    setTimeout(() => tls.emit('connection', socket), slowMs);
  });
  servers.push(tcp);
  return listen(tcp);
}

describe('the timings of an answered attempt', () => {
  test('over a fresh connection to an IP address are connect and first byte', async () => {
    const receiver = await fixture.receiving(socket => void setTimeout(() => socket.write(ok), slowMs));
    const outcome = await send(fixture.transportOf(), receiver.url);
    expect(outcome).toMatchObject({
      kind: 'response',
      phase: 'response',
      timings: { dnsMs: null, connectMs: whole, tlsMs: null, firstByteMs: whole },
    });
    expect(outcome.timings.firstByteMs).toBeGreaterThanOrEqual(seenMs);
    expectPartsOfTotal(outcome);
  });

  test('over a connection that was open are the first byte alone, its own and not that of the request before', async () => {
    const receiver = await fixture.receiving(socket =>
      receiver.requests.length === 1 ? socket.write(ok) : void setTimeout(() => socket.write(ok), slowMs),
    );
    const transport = fixture.transportOf({ resolve: slowly });
    const first = await send(transport, at(receiver.port));
    const second = await send(transport, at(receiver.port));
    expect(first).toMatchObject({ phase: 'response', timings: { dnsMs: whole, connectMs: whole, tlsMs: null } });
    expect(first.timings.dnsMs).toBeGreaterThanOrEqual(seenMs);
    expect(second).toMatchObject({
      phase: 'response',
      timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: whole },
    });
    expect(second.timings.firstByteMs).toBeGreaterThanOrEqual(seenMs);
    expect(receiver.connections).toBe(1);
    for (const outcome of [first, second]) expectPartsOfTotal(outcome);
  });

  test('by name and TLS are all four, each that of its phase', async () => {
    const port = await startSlowTls();
    const transport = fixture.transportOf({
      resolve: slowly,
      trustedCertificates: [authority.certificatePem],
    });
    const outcome = await send(transport, at(port, 'https'));
    expect(outcome).toMatchObject({
      phase: 'response',
      timings: { dnsMs: whole, connectMs: whole, tlsMs: whole, firstByteMs: whole },
    });
    expect(outcome.timings.dnsMs).toBeGreaterThanOrEqual(seenMs);
    expect(outcome.timings.tlsMs).toBeGreaterThanOrEqual(seenMs);
    expectPartsOfTotal(outcome);
    // Both are kept apart from the peers' delay, whatever the machine is busy with.
    expect((outcome.timings.connectMs ?? 0) + (outcome.timings.firstByteMs ?? 0)).toBeLessThanOrEqual(
      outcome.durationMs - 2 * seenMs,
    );
    expect(await send(transport, at(port, 'https'))).toMatchObject({
      timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: whole },
    });
  });

  test('whose body was cut say that the head was complete', async () => {
    const receiver = await fixture.receiving(socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab'));
    expect(await send(fixture.transportOf(), receiver.url)).toMatchObject({
      phase: 'response',
      bodyTruncated: true,
      timings: { connectMs: whole, firstByteMs: whole },
    });
  });
});

describe('an attempt that fails', () => {
  const none = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null };

  test.each(['ftp://hooks.example.com/', 'https://10.0.0.1/'])('before it began (%s) was queued', async url => {
    expect(await send(fixture.transportOf(), url)).toMatchObject({ phase: 'queued', timings: none, durationMs: 0 });
  });

  test('in line was queued', async () => {
    const receiver = await fixture.receiving(() => undefined);
    const transport = fixture.transportOf({ connectionsPerOrigin: 1 });
    const first = send(transport, receiver.url, { timeoutMs: 2 * deadlineMs });
    const second = await send(transport, receiver.url, { timeoutMs: deadlineMs });
    expect(second).toMatchObject({ code: 'timeout', phase: 'queued', timings: none });
    await first;
  });

  test.each<[string, string, Resolver]>([
    ['does not exist', 'dns_not_found', () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }))],
    ['is not allowed', 'address_blocked', async () => [{ address: '10.0.0.1', family: 4 }]],
    ['does not come', 'timeout_dns', () => new Promise(() => undefined)],
  ])('at a name that %s got as far as dns', async (_name, code, resolve) => {
    const outcome = await send(fixture.transportOf({ resolve }), at(8080), { timeoutMs: deadlineMs });
    expect(outcome).toMatchObject({ code, phase: 'dns', timings: none });
  });

  test('at a port where nothing listens got as far as connect, and its lookup is told', async () => {
    const receiver = await fixture.receiving(() => undefined);
    await receiver.close();
    const outcome = await send(fixture.transportOf({ resolve: slowly }), at(receiver.port));
    expect(outcome).toMatchObject({ code: 'connect_refused', phase: 'connect', timings: { ...none, dnsMs: whole } });
  });

  test('in the handshake got as far as tls', async () => {
    const receiver = await fixture.receiving(
      () => undefined,
      socket => socket.once('data', () => socket.destroy()),
    );
    const outcome = await send(fixture.transportOf({ resolve: slowly }), at(receiver.port, 'https'));
    expect(outcome).toMatchObject({
      code: 'tls_failed',
      phase: 'tls',
      timings: { dnsMs: whole, connectMs: whole, tlsMs: null, firstByteMs: null },
    });
  });

  test.each<[string, string, unknown]>([
    ['nothing', '', null],
    ['half a head', 'HTTP/1.1 200 OK\r\nx: y\r\n', whole],
    ['an interim response', 'HTTP/1.1 103 Early Hints\r\n\r\n', whole],
  ])('after %s came got as far as request: the receiver may have it', async (_name, answer, firstByteMs) => {
    const receiver = await fixture.receiving(socket => socket.write(answer));
    const outcome = await send(fixture.transportOf(), receiver.url, { timeoutMs: deadlineMs });
    expect(outcome).toMatchObject({
      code: 'timeout_headers',
      phase: 'request',
      timings: { ...none, connectMs: whole, firstByteMs },
    });
  });

  test('while its body was being written got as far as request', async () => {
    const receiver = await fixture.receiving(
      () => undefined,
      socket => socket.once('data', () => socket.pause()),
    );
    const outcome = await send(fixture.transportOf(), receiver.url, {
      body: Buffer.alloc(32_000_000),
      timeoutMs: 4 * deadlineMs,
    });
    expect(outcome).toMatchObject({ code: 'timeout_headers', phase: 'request', timings: { firstByteMs: null } });
    expect(receiver.requests).toHaveLength(0);
    // It reads nothing any more, and so would not see the end.
    for (const socket of receiver.open) socket.destroy();
  });
});
