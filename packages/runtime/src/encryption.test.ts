import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createEncryption } from './encryption.ts';

const key = () => randomBytes(32).toString('base64');

test('what is sealed opens again, in its own context alone', () => {
  const encryption = createEncryption(key());
  const sealed = encryption.seal('whsec_café', 'webhook-1');
  expect(sealed.sealed.toString('latin1')).not.toContain('whsec');
  expect(encryption.open(sealed, 'webhook-1')).toBe('whsec_café');
  expect(() => encryption.open(sealed, 'webhook-2')).toThrow(
    expect.objectContaining({ code: 'encryption_open_failed' }),
  );
});

test('one changed bit is noticed', () => {
  const encryption = createEncryption(key());
  const { sealed, keyId } = encryption.seal('secret', 'x');
  for (const index of [0, 13, sealed.length - 1]) {
    const altered = Buffer.from(sealed);
    altered[index] = (altered[index] as number) ^ 1;
    expect(() => encryption.open({ sealed: altered, keyId }, 'x')).toThrow(
      expect.objectContaining({ code: 'encryption_open_failed' }),
    );
  }
});

test('after rotation the new key seals and the old one still opens', () => {
  const [older, newer] = [key(), key()];
  const before = createEncryption(older).seal('secret', 'x');
  const rotated = createEncryption(`${newer},${older}`);
  expect(rotated.open(before, 'x')).toBe('secret');
  expect(rotated.seal('secret', 'x').keyId).toBe(rotated.activeKeyId);
  expect(rotated.activeKeyId).not.toBe(before.keyId);
  expect(() => createEncryption(newer).open(before, 'x')).toThrow(
    expect.objectContaining({ code: 'encryption_key_unknown' }),
  );
});

test.each(['', 'short', randomBytes(16).toString('base64')])('the key %p is refused', text => {
  expect(() => createEncryption(text)).toThrow(expect.objectContaining({ code: 'encryption_key_invalid' }));
});

test('an installation has a name for each key, stable, different from the id of the key and from parts of it', () => {
  const [first, second] = [randomBytes(32), randomBytes(32)].map(key => key.toString('base64'));
  const both = createEncryption(`${first},${second}`);
  expect(both.installationIds).toEqual([
    ...createEncryption(first as string).installationIds,
    ...createEncryption(second as string).installationIds,
  ]);
  const [name = ''] = both.installationIds;
  expect(name).toMatch(/^[0-9a-f]{12}$/);
  expect(name.startsWith(both.activeKeyId)).toBe(false);
  expect(Buffer.from(first as string, 'base64').toString('hex')).not.toContain(name);
});

test('a signature counts for its text and context, under any of the keys', () => {
  const [older, newer] = [key(), key()];
  const signature = createEncryption(older).sign('text', 'a');
  expect(signature).toHaveLength(12);
  const rotated = createEncryption(`${newer},${older}`);
  expect(rotated.isSigned('text', 'a', signature)).toBe(true);
  expect(rotated.sign('text', 'a')).not.toEqual(signature);
  for (const [text, context] of [
    ['text', 'b'],
    ['Text', 'a'],
    ['', 'atext'],
    ['ext', 'at'],
  ] as const)
    expect(rotated.isSigned(text, context, signature)).toBe(false);
  expect(rotated.isSigned('text', 'a', signature.subarray(1))).toBe(false);
  expect(rotated.isSigned('text', 'a', Buffer.alloc(12))).toBe(false);
  expect(createEncryption(newer).isSigned('text', 'a', signature)).toBe(false);
});
