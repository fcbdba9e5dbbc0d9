import { expect, test } from '@jest/globals';
import { readJobNotes, writeJobNotes } from './index.ts';

test('notes come back as they were written; where there are none, the job tells what was recorded when it was added', () => {
  const notes = { scheduledAttempts: 3, stallsSeen: 2, faults: 1 };
  expect(readJobNotes(writeJobNotes(notes), 7)).toEqual(notes);
  for (const reason of [undefined, '', 'due again', 'job stalled more than allowable limit'])
    expect(readJobNotes(reason, 7)).toEqual({ scheduledAttempts: 7, stallsSeen: 0, faults: 0 });
});
