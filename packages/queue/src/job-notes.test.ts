import { expect, test } from '@jest/globals';
import { readJobNotes, writeJobNotes } from './index.ts';

test('notes come back as they were written; what is no note counts as none', () => {
  const notes = { scheduledAttempts: 3, stallsSeen: 2, faults: 1 };
  expect(readJobNotes(writeJobNotes(notes))).toEqual(notes);
  for (const reason of [undefined, '', 'due again', 'job stalled more than allowable limit'])
    expect(readJobNotes(reason)).toEqual({ scheduledAttempts: 0, stallsSeen: 0, faults: 0 });
});
