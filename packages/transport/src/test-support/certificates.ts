import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

/**
 * Certificates made when a test runs, so that none in the repository can expire. Node has no call that issues one;
 * these few lines write the DER of RFC 5280 for ECDSA keys.
 */
export interface IssuedCertificate {
  readonly name: string;
  readonly key: KeyObject;
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** DNS names and IPv4 addresses that the certificate is good for. */
  readonly hosts?: readonly string[];
  readonly isAuthority?: boolean;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Signs itself where none is given. */
  readonly issuer?: IssuedCertificate;
  /** SHA-256 unless told otherwise. */
  readonly digest?: 'sha1' | 'sha256';
}

const dayMs = 86_400_000;

/** Issues a certificate that is valid from yesterday until tomorrow, unless told otherwise. */
export function issueCertificate(request: CertificateRequest): IssuedCertificate {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = Date.now();
  const digest = request.digest ?? 'sha256';
  const signature = sequence(objectId(digest === 'sha1' ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2'));
  const toBeSigned = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    signature,
    distinguishedName(request.issuer?.name ?? request.commonName),
    sequence(time(request.notBefore ?? new Date(now - dayMs)), time(request.notAfter ?? new Date(now + dayMs))),
    distinguishedName(request.commonName),
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions(request))),
  );
  const signed = sign(digest, toBeSigned, request.issuer?.key ?? privateKey);
  const der = sequence(toBeSigned, signature, tagged(0x03, Buffer.concat([Buffer.from([0]), signed])));
  return {
    name: request.commonName,
    key: privateKey,
    certificatePem: `-----BEGIN CERTIFICATE-----\n${der
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n')}\n-----END CERTIFICATE-----\n`,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

function extensions(request: CertificateRequest): Buffer[] {
  const isAuthority = tagged(0x01, Buffer.from([0xff]));
  const basic = sequence(
    objectId('2.5.29.19'),
    tagged(0x01, Buffer.from([0xff])),
    tagged(0x04, request.isAuthority === true ? sequence(isAuthority) : sequence()),
  );
  if (request.hosts === undefined) return [basic];
  const names = request.hosts.map(host =>
    isIPv4(host) ? tagged(0x87, Buffer.from(host.split('.').map(Number))) : tagged(0x82, Buffer.from(host, 'ascii')),
  );
  return [basic, sequence(objectId('2.5.29.17'), tagged(0x04, sequence(...names)))];
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(objectId('2.5.4.3'), tagged(0x0c, Buffer.from(commonName, 'utf8')))));
}

function time(date: Date): Buffer {
  return tagged(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`, 'ascii'));
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

function tagged(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
