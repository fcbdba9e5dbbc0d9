import { type FieldError, maxEventTypeSchemaBytes } from '@signpost/api-schema';
import { type ContractDocument, type EventTypeDocument, parseContractDocument } from '@signpost/contracts';
import { isEventType } from '@signpost/delivery';
import { compileSchema } from '../event-catalogue/data-validator.ts';
import { schemasRest } from '../event-catalogue/schemas-rest.ts';
import type { SchemaTime } from '../event-catalogue/schema-time.ts';
import type { Problem } from '../errors/problem.ts';
import { validationFailed } from '../middleware/validate-input.ts';
import { isCredential } from './credential-headers.ts';
import { createTurns } from '../turns.ts';

export type DocumentVerdict = { readonly kind: 'accepted'; readonly document: ContractDocument } | Problem;

/** Errors of one answer; the rest come when these are put right. */
const maxErrors = 20;

/**
 * Whether a document is a contract whose event types can stand in a catalogue: each schema compiles, and its example is
 * valid.
 *
 * @param value any parsed JSON
 * @param place where it stands in the request: `body`
 * @param time of the workspace
 */
export async function checkContractDocument(value: unknown, place: string, time: SchemaTime): Promise<DocumentVerdict> {
  const parsed = parseContractDocument(value);
  if (parsed.kind === 'invalid')
    return validationFailed(parsed.errors.map(({ path, message }) => ({ path: joinPath(place, path), message })));
  const errors: FieldError[] = findCredentials(parsed.document, place);
  const othersTurn = createTurns();
  for (const [index, eventType] of parsed.document.event_types.entries()) {
    const restMs = time.restMs();
    if (restMs > 0) return schemasRest(restMs);
    errors.push(...checkEventType(eventType, `${place}.event_types[${index}]`, time));
    if (errors.length >= maxErrors) break;
    // A schema takes milliseconds to compile, and a document may have hundreds.
    await othersTurn();
  }
  return errors.length === 0 ? { kind: 'accepted', document: parsed.document } : validationFailed(errors);
}

/** Stored documents may have some, from before they were refused: that is why `parseContractDocument` takes them. */
function findCredentials({ headers }: ContractDocument, place: string): FieldError[] {
  return headers.flatMap((header, index) =>
    isCredential(header)
      ? [
          {
            path: `${place}.headers[${index}].value`,
            message: `must not be fixed: whoever reads contracts would see it. Set ${header.name} in the headers of the webhook instead`,
          },
        ]
      : [],
  );
}

/** `headers.0.value` as `body.headers[0].value`. */
function joinPath(place: string, path: string): string {
  if (path === '') return place;
  return path.split('.').reduce((text, part) => text + (/^\d+$/.test(part) ? `[${part}]` : `.${part}`), place);
}

function checkEventType(
  { name, description, schema, example }: EventTypeDocument,
  place: string,
  time: SchemaTime,
): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (field: string, message: string): void => void errors.push({ path: `${place}.${field}`, message });
  if (!isEventType(name))
    refuse('name', 'must be letters, digits, _ and -, in parts joined by single dots, such as call.ended');
  if (description.includes('\u0000')) refuse('description', 'must not hold control characters');
  const [schemaText, exampleText] = [JSON.stringify(schema), JSON.stringify(example)];
  for (const [field, text] of [
    ['schema', schemaText],
    ['example', exampleText],
  ] as const)
    if (text.length > maxEventTypeSchemaBytes)
      refuse(field, `must have at most ${maxEventTypeSchemaBytes} bytes of JSON text`);
  if (errors.length > 0) return errors;
  const compiled = compileSchema(schemaText, time);
  if (compiled.kind === 'invalid') return compiled.errors.map(error => within(place, error));
  return compiled.validator
    .validate(example, exampleText.length)
    .map(({ path, message }) => within(place, { path: path.replace(/^data/, 'example'), message }));
}

function within(place: string, { path, message }: FieldError): FieldError {
  return { path: `${place}.${path}`, message };
}
