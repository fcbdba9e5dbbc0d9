import type { Faker } from '@faker-js/faker';
import { snakeName } from './generation.ts';

/** What people say and write in the fields of events; `{day}`, `{person}` and `{number}` are filled in. */
const sentences = {
  summary: [
    'The caller moved an appointment to {day} at ten.',
    'The caller asked for the opening hours on {day} and was given them.',
    '{person} wanted a quote for {number} seats; a follow-up is planned for {day}.',
    'The caller reported a late delivery and was promised an answer by {day}.',
    'A booking for {number} people was confirmed for {day}.',
    'The caller asked to speak with {person} and was connected.',
  ],
  message: [
    'Could we meet on {day} instead?',
    'Thanks, see you on {day}!',
    'We will be {number} people. Is that all right?',
    'Is parking available near the entrance?',
    'I would like to change my booking to {day}.',
    'Your appointment is on {day} at {number}:00.',
    'Hello, this is {person}. How can I help?',
    'Please send the invoice to {person}.',
  ],
  remark: [
    'Please call {person} before {day}.',
    'The reminder goes out on {day}.',
    '{person} takes care of it from {day} on.',
    'Two copies are needed by {day}.',
    'Prefers to be reached after {number} in the afternoon.',
    'Came through a recommendation of {person}.',
  ],
  title: [
    'The export stops after {number} rows',
    'Dates on {day} are shown a day early',
    'The second page of the list is empty',
    'Sign-in fails after {number} tries',
    'Answers on {day} took longer than usual',
    'The map does not load on small screens',
  ],
} as const;

const kinds: readonly (readonly [RegExp, keyof typeof sentences])[] = [
  [/title|subject|headline|commit/, 'title'],
  [/summary/, 'summary'],
  [/description|note|comment|zen/, 'remark'],
];

const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** A sentence of the kind that the name suggests. */
export function makeSentence(faker: Faker, name: string): string {
  const words = snakeName(name);
  const kind = kinds.find(([pattern]) => pattern.test(words))?.[1] ?? 'message';
  return faker.helpers
    .arrayElement(sentences[kind])
    .replaceAll('{day}', faker.helpers.arrayElement(days))
    .replaceAll('{person}', faker.person.firstName())
    .replaceAll('{number}', String(faker.number.int({ min: 2, max: 12 })));
}
