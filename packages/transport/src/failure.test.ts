import { describe, expect, test } from '@jest/globals';
import { attemptErrors, attemptPhases } from '@signpost/delivery';
import { errors } from 'undici';
import { connectFailure, deadlineFailure, exchangeFailure, tlsFailure } from './failure.ts';
import { send, useTransports, whatHappenedAndWhatToDo } from './test-support/transport-fixture.ts';

const fixture = useTransports();
const withCode = (code: string): Error => Object.assign(new Error('reason'), { code });

describe('an error of a connection', () => {
  test.each([
    ['ECONNREFUSED', 'connect_refused'],
    ['EHOSTUNREACH', 'connect_unreachable'],
    ['ENETUNREACH', 'connect_unreachable'],
    ['EADDRNOTAVAIL', 'connect_unreachable'],
    ['ECONNRESET', 'connection_reset'],
    ['ETIMEDOUT', 'timeout_connect'],
    ['ERR_SOCKET_CONNECTION_TIMEOUT', 'timeout_connect'],
    ['EMFILE', 'connect_failed'],
    ['', 'connect_failed'],
  ])('%p is %s', (code, expected) => {
    expect(connectFailure(withCode(code))).toMatchObject({
      code: expected,
      message: expect.stringMatching(whatHappenedAndWhatToDo),
    });
  });

  // Linux knows loopback's broadcast address, which no TCP connection can have.
  const onLinux = process.platform === 'linux' ? test : test.skip;
  onLinux('to a network that cannot be reached is connect_unreachable', async () => {
    const transport = fixture.transportOf();
    expect(await send(transport, 'http://127.255.255.255:8080/')).toMatchObject({
      kind: 'no_response',
      code: 'connect_unreachable',
      phase: 'connect',
    });
    expect(transport.stats()).toMatchObject({ origins: 0, openingConnections: 0, runningAttempts: 0 });
  });
});

describe('every message says what happened and what to do', () => {
  test.each(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'ERR_TLS_CERT_ALTNAME_INVALID', 'UNSPECIFIED', 'EPROTO', ''])(
    'of TLS: %p',
    code => expect(tlsFailure(withCode(code), 'hooks.example.com').message).toMatch(whatHappenedAndWhatToDo),
  );

  test.each(attemptPhases)('of a deadline in phase %s', phase => {
    const failure = deadlineFailure(phase, 5_000);
    expect(failure.message).toMatch(whatHappenedAndWhatToDo);
    expect(failure.message).toContain('5000 ms');
    expect(attemptErrors).toHaveProperty(failure.code);
  });

  test.each([
    ['ECONNRESET', 'connection_reset'],
    ['EPIPE', 'connection_reset'],
    ['UND_ERR_SOCKET', 'protocol_error'],
    ['UND_ERR_HEADERS_OVERFLOW', 'response_headers_too_large'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tls_failed'],
    ['ENOMEM', 'internal'],
  ])('of an exchange: %s is %s', (code, expected) => {
    const failure = exchangeFailure(withCode(code), false);
    expect(failure).toMatchObject({ code: expected, message: expect.stringMatching(whatHappenedAndWhatToDo) });
  });

  test('of an answer that is no HTTP, in the words of the parser', () => {
    const failure = exchangeFailure(new errors.HTTPParserError('Invalid header token'), false);
    expect(failure).toMatchObject({
      code: 'protocol_error',
      message: expect.stringMatching(/^Invalid header token\. /),
    });
    expect(failure.message).toMatch(whatHappenedAndWhatToDo);
  });
});
