import { expect, test } from '@jest/globals';
import { shownLocation, shownRefresh } from './shown-location.ts';

test.each([
  ['https://user:secret@example.com/x?token=secret#secret', 'https://example.com/x'],
  ['/x?token=secret', '/x'],
  ['?token=secret', '/'],
  ['https://example.com/x, https://user:secret@example.com/y', null],
  ['data:text/plain,secret', null],
])('the location %s is shown as %s', (location, shown) => {
  expect(shownLocation(location)).toBe(shown);
});

test.each([
  ['5', '5'],
  ['0.5', '0.5'],
  ['0;url=/x?token=secret', '0; url=/x'],
  ['5; URL = "https://user:secret@example.com/x?token=secret"', '5; url=https://example.com/x'],
  ["5, 'https://user:secret@example.com/x#secret'", '5; url=https://example.com/x'],
  ['0;url=/x, 0;url=https://user:secret@example.com/', null],
  ['secret', null],
  ['0;url=javascript:secret', null],
])('the refresh %s is shown as %s', (refresh, shown) => {
  expect(shownRefresh(refresh)).toBe(shown);
});
