import { describe, expect, test } from '@jest/globals';
import { deriveUuid, formatId, makeUuid, parseId, uuidTimeMs } from './ids.ts';

describe('UUIDv7', () => {
  test('carries its time, version 7 and the RFC variant', () => {
    const uuid = makeUuid(1_775_397_840_123);
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuidTimeMs(makeUuid(4_000_000_000_000))).toBe(4_000_000_000_000);
  });

  test('never goes backwards, within a millisecond or when the clock does', () => {
    const now = 4_100_000_000_000;
    const made = Array.from({ length: 10_000 }, (_, index) => makeUuid(now - (index % 3)));
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
  });

  test('follows a clock that is set back by much', () => {
    makeUuid(4_150_000_000_000);
    expect(uuidTimeMs(makeUuid(4_149_000_000_000))).toBe(4_149_000_000_000);
  });

  test('derived from the same event and name is the same, from another is not', () => {
    const event = makeUuid(4_200_000_000_000);
    expect(deriveUuid(event, 'a')).toBe(deriveUuid(event, 'a'));
    expect(deriveUuid(event, 'a')).not.toBe(deriveUuid(event, 'b'));
    expect(uuidTimeMs(deriveUuid(event, 'a'))).toBe(uuidTimeMs(event));
  });
});

describe('TypeID', () => {
  // From the TypeID specification's valid.json, with our prefixes.
  test.each([
    ['00000000-0000-0000-0000-000000000000', '00000000000000000000000000'],
    ['00000000-0000-0000-0000-000000000001', '00000000000000000000000001'],
    ['00000000-0000-0000-0000-00000000000a', '0000000000000000000000000a'],
    ['00000000-0000-0000-0000-000000000020', '00000000000000000000000010'],
    ['ffffffff-ffff-ffff-ffff-ffffffffffff', '7zzzzzzzzzzzzzzzzzzzzzzzzz'],
    ['0110c853-1d09-52d8-d73e-1194e95b5f19', '0123456789abcdefghjkmnpqrs'],
    ['01890a5d-ac96-774b-bcce-b302099a8057', '01h455vb4pex5vsknk084sn02q'],
  ])('%s is written as %s and read back', (uuid, suffix) => {
    expect(formatId('event', uuid)).toBe(`evt_${suffix}`);
    expect(parseId('event', `evt_${suffix}`)).toBe(uuid);
  });

  test.each([
    '',
    'evt_',
    'evt_8zzzzzzzzzzzzzzzzzzzzzzzzz',
    'evt_01h455vb4pex5vsknk084sn02',
    'del_01h455vb4pex5vsknk084sn02q',
    'evt_01H455VB4PEX5VSKNK084SN02Q',
    'evt_01h455vb4pex5vsknk084sn0il',
  ])('%s is refused as an event id', text => expect(parseId('event', text)).toBeNull());

  test('round trip', () => {
    for (let n = 0; n < 1000; n += 1) {
      const uuid = makeUuid(1_775_397_840_000 + n);
      expect(parseId('delivery', formatId('delivery', uuid))).toBe(uuid);
    }
  });
});
