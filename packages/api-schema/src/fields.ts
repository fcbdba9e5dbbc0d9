import { z } from 'zod';
import { isEventType, isEventTypePattern } from '@signpost/delivery';

/** A JSON object as it came in: any members, `__proto__` among them, are kept as data. */
export type JsonObject = { readonly [name: string]: unknown };

const idDigits = '[0-7][0-9a-hjkmnp-tv-z]{25}';

/**
 * A TypeID: see https://github.com/jetify-com/typeid.
 *
 * @param prefix names the kind: `wh` for `wh_…`
 */
export function typeId(prefix: string, description: string) {
  return z
    .string()
    .regex(new RegExp(`^${prefix}_${idDigits}$`), `must be an id: ${prefix}_ and 26 digits`)
    .meta({ description, example: `${prefix}_01jd3kq8e5f1x9a7m2c4v6b8n0` });
}

/** Characters that no text of a person needs; NUL cannot be stored at all. Tab and line ends are allowed. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const controlCharacters = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Text for people: 1 to `max` characters (code points, as JSON Schema counts them), none of them a control character. */
export function text(max: number) {
  return (
    z
      .string()
      .min(1)
      .refine(value => countCharacters(value, max) <= max, `must have at most ${max} characters`)
      .refine(value => !controlCharacters.test(value), 'must not hold control characters')
      // A lone surrogate has no UTF-8: what is stored would be another text, equal to others that it is not.
      .refine(value => value.isWellFormed(), 'must not hold half of a surrogate pair')
      .meta({ override: ({ jsonSchema }) => void (jsonSchema.maxLength = max) })
  );
}

/** Exact only where it is near `max`: a text of megabytes is not walked through. */
function countCharacters(value: string, max: number): number {
  return value.length <= max || value.length > 2 * max ? value.length : Array.from(value).length;
}

/** A whole number in a query, in digits alone: `Number` would read `0x10`, `1e1` and a blank as numbers, too. */
export function queryInteger(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^[0-9]{1,9}$/, message)
    .transform(Number)
    .refine(value => value >= min && value <= max, message)
    .meta({ override: { type: 'integer', minimum: min, maximum: max } });
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Of UTF-8. */
export function countBytes(value: string): number {
  return new TextEncoder().encode(value).length;
}

/** A JSON object with at most `maxBytes` of text. zod's records drop a member named `__proto__`; this keeps everything. */
export function jsonObject(maxBytes: number) {
  return z
    .custom<JsonObject>(isJsonObject, 'must be an object')
    .refine(value => countBytes(JSON.stringify(value)) <= maxBytes, `must have at most ${maxBytes} bytes of JSON text`)
    .meta({ override: { type: 'object', additionalProperties: {} } });
}

/** Any JSON value, null included; only a missing one is refused. */
export const jsonValue = z.custom<unknown>(value => value !== undefined, 'is required').meta({ override: {} });

export const eventTypeName = z
  .string()
  .refine(
    isEventType,
    'must be letters, digits, _ and -, in parts joined by single dots, such as call.ended; 256 characters at most',
  )
  .meta({
    override: { type: 'string', pattern: '^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$', maxLength: 256 },
    example: 'call.ended',
  });

export const eventTypePattern = z
  .string()
  .refine(
    isEventTypePattern,
    'must be an event type such as call.ended, the beginning of some with .* after it such as call.*, or *',
  )
  .meta({
    override: {
      type: 'string',
      pattern: '^(\\*|[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*(\\.\\*)?)$',
      maxLength: 258,
    },
    example: 'call.*',
  });

// What four digits can say and Postgres can keep, which knows no year 0: an offset may lead out of them on either side.
const firstMs = Date.parse('0001-01-01T00:00:00Z');
const lastMs = Date.parse('9999-12-31T23:59:59.999Z');
const isWithinYears = (value: string): boolean => {
  const ms = Date.parse(value);
  return ms >= firstMs && ms <= lastMs;
};

/** A moment, as answers show it. */
export const time = z.iso
  .datetime({ offset: true, abort: true })
  .refine(isWithinYears, 'must be within the years 1 to 9999 of UTC')
  // `format` says it all; the pattern that zod adds is unreadable.
  .meta({ example: '2026-11-21T09:30:00.000Z', override: ({ jsonSchema }) => void delete jsonSchema.pattern });

export const contractName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,63}$/,
    'must be the name of a contract: a-z, 0-9 and -, a letter first, 64 characters at most',
  )
  .meta({ description: 'How deliveries look and are signed.', example: 'standard' });

export const subject = text(256).meta({ description: 'What the event is about, such as a customer or an agent.' });
export const channels = z.array(text(100)).max(20);

/** Answers of lists. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    data: z.array(item),
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: 'Ask again with it as `cursor` for what follows; null at the end.' }),
    previous_cursor: z.string().nullable().meta({
      description:
        'Ask again with it as `cursor` for what stands just before this page, in the same order; null where nothing does, and on a page that was asked for without a cursor.',
    }),
  });
}

/** How far a list goes at once, and from where. */
export const pageQuery = {
  limit: queryInteger(1, 100).default(20).meta({ description: 'Rows in an answer.' }),
  cursor: text(400).optional().meta({
    description:
      'The `next_cursor` or the `previous_cursor` of another answer to the same list, asked with the same filters.',
  }),
};
