import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '@signpost/testing';
import { type ApiWithDispatcher, startApiWithDispatcher } from '../../api-with-dispatcher.fixture.ts';
import type { TestWorkspace } from '../../test-api.ts';
import { eventType, minimal } from './contract-document.fixture.ts';

let system: ApiWithDispatcher;
let mine: TestWorkspace;

beforeAll(async () => {
  system = await startApiWithDispatcher();
  mine = await system.api.makeWorkspace();
});
afterAll(() => system.close());

const call: ApiWithDispatcher['api']['call'] = (what, options) => system.api.call(what, { key: mine.key, ...options });

test('a delivery whose contract makes too much of its event fails once and for all; a smaller event gets through', async () => {
  const fields = Array.from({ length: 50 }, (_, n) => ({ name: `f${n}`, value: '{data}' }));
  const only = 'x'.repeat(30_000);
  const large = eventType({ name: 'order.large', schema: { const: only }, example: only });
  const document = {
    ...minimal,
    envelope: { shape: 'object', fields },
    event_types: [eventType({ schema: {}, example: 1 }), large],
  };
  expect((await call('POST /v1/contracts', { body: document })).status).toBe(201);
  const { body: webhook } = await call('POST /v1/webhooks', {
    body: { url: system.receiver.url, events: ['*'], contract: 'acme', retry_schedule: [1, 1] },
  });
  const publish = async (data: unknown): Promise<string> =>
    (await call('POST /v1/events', { body: { event_type: 'order.paid', data } })).body.id;
  const ended = (eventId: string) =>
    waitFor(
      async () => {
        const [delivery] = (await call(`GET /v1/deliveries?event_id=${eventId}`)).body.data;
        if (delivery === undefined || delivery.status === 'pending') return null;
        return (await call(`GET /v1/deliveries/${delivery.id}`)).body;
      },
      { description: 'the delivery to end' },
    );

  const failed = await ended(await publish('x'.repeat(60_000)));
  expect(failed.status).toBe('failed');
  expect(failed.attempts).toEqual([
    expect.objectContaining({
      error: {
        code: 'request_too_large',
        message: expect.stringMatching(/templates of the contract .* The body would have more than 1048576 bytes\.$/),
      },
      received: 'no',
    }),
  ]);
  expect(system.receiver.requests).toHaveLength(0);

  const sent = await call(`POST /v1/webhooks/${webhook.id}/test`, { body: { event_type: 'order.large' } });
  expect([sent.status, sent.body.status, sent.body.error?.code]).toEqual([200, 'failed', 'request_too_large']);

  expect((await ended(await publish('small'))).status).toBe('succeeded');
});
