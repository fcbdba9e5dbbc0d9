import { afterEach, expect, test } from '@jest/globals';
import { buildOpenApiDocument, problemCodes as codesOfApi } from '@signpost/api-schema';
import { createClientIn, type SignpostClient } from './client.ts';
import { problemCodes } from './errors.ts';
import type { NewEvent } from './event.ts';
import { startTestServer, type TestServer, testSurroundings } from './test-server.ts';
import type { NewWebhook } from './webhook.ts';

/** The parts of a JSON Schema that the API's document uses. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
}

const schemas = (buildOpenApiDocument('1.0.0') as { components: { schemas: Record<string, Schema> } }).components
  .schemas;
let server: TestServer | undefined;

afterEach(async () => {
  await server?.close();
});

/** The schema of a name, or of its answer's side where the two differ. */
const named = (name: string): Schema => {
  const schema = schemas[`${name}Output`] ?? schemas[name];
  if (schema === undefined) throw new Error(`The document has no schema ${name}`);
  return schema;
};

/** A value with every property that the schema knows. */
function example(schema: Schema): unknown {
  if (schema.$ref !== undefined) return example(named(schema.$ref.replace('#/components/schemas/', '')));
  if (schema.allOf !== undefined) return Object.assign({}, ...schema.allOf.map(example));
  if (schema.anyOf !== undefined) return example(schema.anyOf[0] as Schema);
  if (schema.enum !== undefined) return schema.enum[0];
  const type = Array.isArray(schema.type) ? (schema.type as string[])[0] : schema.type;
  if (type === 'object') {
    const free = typeof schema.additionalProperties === 'object' ? { 'x-y': example(schema.additionalProperties) } : {};
    const own = Object.entries(schema.properties ?? {}).map(([name, each]) => [name, example(each)]);
    return own.length === 0 ? free : Object.fromEntries(own);
  }
  if (type === 'array') return [example(schema.items ?? {})];
  if (type === 'integer') return 7;
  return type === 'boolean' ? true : 'text';
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);

/** The same value with the names that the wire has. */
function toWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [snakeCase(name), toWire(each)]));
}

async function clientFor(body: unknown): Promise<SignpostClient> {
  server = await startTestServer({ status: 200, body });
  return createClientIn(testSurroundings(), { baseUrl: server.url, apiKey: 'sk_live_1' });
}

test.each<[string, (client: SignpostClient) => Promise<unknown>]>([
  ['CreatedWebhook', client => client.webhooks.create({ url: 'u', events: ['*'] })],
  ['Webhook', client => client.webhooks.get('wh_1')],
  ['Webhook', client => client.webhooks.update('wh_1', { active: false })],
  ['TestResult', client => client.webhooks.test('wh_1', 'a')],
  ['RotatedSecret', client => client.webhooks.rotateSecret('wh_1')],
  ['Event', client => client.events.get('evt_1')],
  ['DeliveryWithAttempts', client => client.deliveries.get('del_1')],
  ['Delivery', client => client.deliveries.retry('del_1')],
])('%s is read with every field that the API documents', async (name, ask) => {
  const body = example(named(name));
  expect(Object.keys(body as object)).not.toEqual([]);
  const client = await clientFor(body);
  expect(toWire(await ask(client))).toEqual(body);
  await client.close();
});

test('PublishedEvent is read with every field that the API documents', async () => {
  const body = example(named('PublishedEvent')) as object;
  const client = await clientFor(body);
  expect(toWire(await client.publish({ eventType: 'a', data: 1 }))).toEqual({ ...body, idempotency_key: 'key-1' });
  await client.close();
});

/** Every field of the input. `Required` makes the compiler complain where one is missing here. */
const everyEventField: Omit<Required<Extract<NewEvent, { dataText?: undefined }>>, 'dataText'> = {
  eventType: 'a',
  data: 1,
  timestamp: 't',
  subject: 's',
  channels: ['c'],
  metadata: { m: 1 },
  idempotencyKey: 'k',
};
const everyWebhookField: Required<NewWebhook> = {
  url: 'u',
  events: ['*'],
  description: 'd',
  contract: 'standard',
  method: 'PUT',
  headers: { h: 'v' },
  timeoutMs: 1,
  retrySchedule: [1],
  subject: 's',
  channels: ['c'],
  metadata: { m: 1 },
  active: true,
  secret: 'x',
};

test.each<[string, object, (client: SignpostClient) => Promise<unknown>]>([
  ['PublishEvent', everyEventField, client => client.publish(everyEventField)],
  ['CreateWebhook', everyWebhookField, client => client.webhooks.create(everyWebhookField)],
  ['TestWebhook', { eventType: 'a', seed: 7 }, client => client.webhooks.test('wh_1', 'a', { seed: 7 })],
  [
    'RotateSecret',
    { overlapSeconds: 1, secret: 'x' },
    client => client.webhooks.rotateSecret('wh_1', { overlapSeconds: 1, secret: 'x' }),
  ],
])('%s can be sent with every field that the API documents', async (name, input, send) => {
  const client = await clientFor({});
  await expect(send(client)).rejects.toMatchObject({ code: 'invalid_answer' });
  const sent = JSON.parse(server?.requests[0]?.text ?? '') as object;
  expect(sent).toEqual(toWire(input));
  expect(Object.keys(sent).toSorted()).toEqual(Object.keys(schemas[name]?.properties ?? {}).toSorted());
  await client.close();
});

test('the problem codes are those of the API', () => {
  expect(problemCodes.toSorted()).toEqual(Object.keys(codesOfApi).toSorted());
});
