import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import { afterEach, expect, test } from '@jest/globals';
import type { AttemptOutcome } from '@signpost/delivery';
import { createAddressPolicy } from './address-policy.ts';
import type { Resolver } from './resolver.ts';
import { issueCertificate, type IssuedCertificate } from './test-support/certificates.ts';
import { listen } from './test-support/raw-receiver.ts';
import { send, whatHappenedAndWhatToDo } from './test-support/transport-fixture.ts';
import { createTransport, type Transport } from './transport.ts';

const dayMs = 86_400_000;
const policy = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['127.0.0.0/8'] });
const resolve: Resolver = async () => [{ address: '127.0.0.1', family: 4 }];

const authority = issueCertificate({ commonName: 'Test authority', isAuthority: true });
const stranger = issueCertificate({ commonName: 'Unknown authority', isAuthority: true });
const intermediate = issueCertificate({ commonName: 'Intermediate', isAuthority: true, issuer: authority });
const weakIntermediate = issueCertificate({
  commonName: 'Weak intermediate',
  isAuthority: true,
  issuer: authority,
  digest: 'sha1',
});
const hosts = ['hooks.example.com', '127.0.0.1'];
const valid = issueCertificate({ commonName: 'Receiver', hosts, issuer: authority });

const servers: Server[] = [];
const transports: Transport[] = [];
afterEach(async () => {
  await Promise.all(transports.splice(0).map(transport => transport.close()));
  await Promise.all(servers.splice(0).map(server => new Promise(done => server.close(done))));
});

/** Starts an HTTPS receiver and sends it one webhook by name. */
async function sendTo(options: TlsOptions, how: { host?: string; timeoutMs?: number } = {}): Promise<AttemptOutcome> {
  const server = createServer({ ...options, ALPNProtocols: ['http/1.1'] }, answerOnce);
  return sendToServer(server, how);
}

async function sendToServer(
  server: Server,
  { host = 'hooks.example.com', timeoutMs = 5_000 }: { host?: string; timeoutMs?: number } = {},
): Promise<AttemptOutcome> {
  server.on('tlsClientError', () => undefined);
  const port = await listen(server);
  servers.push(server);
  const transport = createTransport({ policy, resolve, trustedCertificates: [authority.certificatePem] });
  transports.push(transport);
  const outcome = await send(transport, `https://${host}:${port}/`, { timeoutMs });
  if (outcome.kind === 'no_response') {
    expect(outcome.message).toMatch(whatHappenedAndWhatToDo);
    expect(outcome.durationMs).toBeLessThan(timeoutMs + 1_000);
  }
  expect(transport.stats()).toMatchObject({ openingConnections: 0, queuedAttempts: 0, runningAttempts: 0 });
  expect(transport.stats().openConnections).toBe(outcome.kind === 'response' ? 1 : 0);
  expect(await send(transport, `https://hooks.example.com:${await startHealthy()}/`)).toMatchObject({
    statusCode: 204,
  });
  return outcome;
}

/** Another receiver, to which the same transport delivers whatever the one before it did. */
async function startHealthy(): Promise<number> {
  const server = createServer({ ...served(valid), ALPNProtocols: ['http/1.1'] }, answerOnce);
  servers.push(server);
  return listen(server);
}

function answerOnce(socket: Socket): void {
  socket.on('error', () => undefined);
  socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
}

function served(certificate: IssuedCertificate, ...chain: IssuedCertificate[]): TlsOptions {
  return {
    key: certificate.keyPem,
    cert: [certificate, ...chain].map(({ certificatePem }) => certificatePem).join(''),
  };
}

test.each(['hooks.example.com', '127.0.0.1', 'hooks.example.com.'])(
  'a valid certificate for %s is accepted',
  async host => {
    expect(await sendTo(served(valid), { host })).toMatchObject({ kind: 'response', statusCode: 204 });
  },
);

test('a chain with its intermediate is accepted', async () => {
  const leaf = issueCertificate({ commonName: 'Receiver', hosts, issuer: intermediate });
  expect(await sendTo(served(leaf, intermediate))).toMatchObject({ kind: 'response', statusCode: 204 });
});

test.each<[string, string, TlsOptions]>([
  [
    'an expired certificate',
    'tls_expired',
    served(
      issueCertificate({
        commonName: 'r',
        hosts,
        issuer: authority,
        notBefore: new Date(Date.now() - 3 * dayMs),
        notAfter: new Date(Date.now() - dayMs),
      }),
    ),
  ],
  [
    'a certificate of tomorrow',
    'tls_expired',
    served(
      issueCertificate({
        commonName: 'r',
        hosts,
        issuer: authority,
        notBefore: new Date(Date.now() + dayMs),
        notAfter: new Date(Date.now() + 2 * dayMs),
      }),
    ),
  ],
  ['a self-signed certificate', 'tls_untrusted', served(issueCertificate({ commonName: 'r', hosts }))],
  ['an unknown authority', 'tls_untrusted', served(issueCertificate({ commonName: 'r', hosts, issuer: stranger }))],
  [
    'an unknown authority that is sent along',
    'tls_untrusted',
    served(issueCertificate({ commonName: 'r', hosts, issuer: stranger }), stranger),
  ],
  [
    'a missing intermediate',
    'tls_untrusted',
    served(issueCertificate({ commonName: 'r', hosts, issuer: intermediate })),
  ],
  [
    'an issuer that is no authority',
    'tls_untrusted',
    served(issueCertificate({ commonName: 'r', hosts, issuer: valid }), valid),
  ],
  [
    'another host name',
    'tls_hostname_mismatch',
    served(issueCertificate({ commonName: 'hooks.example.com', hosts: ['other.example.com'], issuer: authority })),
  ],
  [
    'TLS 1.1',
    'tls_failed',
    { ...served(valid), minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
  ],
  [
    'TLS 1.0',
    'tls_failed',
    { ...served(valid), minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
  ],
  [
    'a certificate signed with SHA-1',
    'tls_untrusted',
    {
      ...served(issueCertificate({ commonName: 'r', hosts, issuer: authority, digest: 'sha1' })),
      ciphers: 'DEFAULT@SECLEVEL=0',
    },
  ],
  [
    'an intermediate that is signed with SHA-1',
    'tls_untrusted',
    {
      ...served(issueCertificate({ commonName: 'r', hosts, issuer: weakIntermediate }), weakIntermediate),
      ciphers: 'DEFAULT@SECLEVEL=0',
    },
  ],
  ['no cipher that both know', 'tls_failed', { ...served(valid), maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }],
  [
    'a demand for a client certificate in TLS 1.2',
    'tls_failed',
    {
      ...served(valid),
      requestCert: true,
      rejectUnauthorized: true,
      ca: [authority.certificatePem],
      maxVersion: 'TLSv1.2',
    },
  ],
])('%s is %s and nothing is sent', async (_name, code, options) => {
  const outcome = await sendTo(options);
  expect(outcome).toMatchObject({
    kind: 'no_response',
    code,
    phase: 'tls',
    message: expect.stringMatching(/\.$/),
  });
});

test('a demand for a client certificate in TLS 1.3 is no response', async () => {
  const outcome = await sendTo({
    ...served(valid),
    requestCert: true,
    rejectUnauthorized: true,
    ca: [authority.certificatePem],
    minVersion: 'TLSv1.3',
  });
  // The refusal comes after the handshake, beside the request: an alert, or the reset that follows it.
  expect(outcome).toMatchObject({
    kind: 'no_response',
    code: expect.stringMatching(/^(tls_failed|connection_reset)$/),
  });
});

test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not turn verification off', async () => {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  const outcome = await sendTo(served(issueCertificate({ commonName: 'r', hosts })));
  if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  expect(outcome).toMatchObject({ kind: 'no_response', code: 'tls_untrusted' });
});

test('a receiver without TLS is tls_failed and is never spoken to in plain text', async () => {
  const received: Buffer[] = [];
  const server = createTcpServer(socket => {
    socket.on('error', () => undefined);
    socket.on('data', data => {
      received.push(data);
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
  });
  expect(await sendToServer(server)).toMatchObject({ kind: 'no_response', code: 'tls_failed', phase: 'tls' });
  expect(Buffer.concat(received).toString('latin1')).not.toContain('POST');
});

test('a handshake that is cut is tls_failed', async () => {
  const server = createTcpServer(socket => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.destroy());
  });
  expect(await sendToServer(server)).toMatchObject({ kind: 'no_response', code: 'tls_failed', phase: 'tls' });
});

test('a handshake that hangs ends at the deadline, and its socket is closed', async () => {
  let closed: Promise<unknown> = Promise.reject(new Error('never connected'));
  closed.catch(() => undefined);
  const server = createTcpServer(socket => {
    socket.on('error', () => undefined);
    socket.resume();
    closed = new Promise(done => socket.once('close', done));
  });
  const outcome = await sendToServer(server, { timeoutMs: 150 });
  expect(outcome).toMatchObject({
    kind: 'no_response',
    code: 'timeout_connect',
    phase: 'tls',
    message: expect.stringContaining('TLS'),
  });
  await closed;
});

test('what is wrong with a certificate is said in words where it has no code', async () => {
  const outcome = await sendTo({
    ...served(issueCertificate({ commonName: 'r', hosts, issuer: authority, digest: 'sha1' })),
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  expect(outcome).toMatchObject({ message: expect.stringContaining('digest algorithm too weak') });
});

test('a receiver that begins the handshake anew is not followed', async () => {
  const followed: unknown[] = [];
  const server = createServer({ ...served(valid), ALPNProtocols: ['http/1.1'], maxVersion: 'TLSv1.2' }, socket => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.renegotiate({}, error => error === null && followed.push('again')));
  });
  expect(await sendToServer(server, { timeoutMs: 150 })).toMatchObject({ code: 'timeout_headers', phase: 'request' });
  expect(followed).toEqual([]);
});
