import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type HotPathFixture, makeHotPathFixture } from './hot-path.fixture.ts';
import { cancelPendingDeliveries, listPendingDeliveries, withRepairLock } from './index.ts';

let fixture: HotPathFixture;
beforeAll(async () => {
  fixture = await makeHotPathFixture();
});
afterAll(() => fixture.close());

describe('repair', () => {
  test('the lock belongs to one at a time and comes back', async () => {
    let inner: unknown = 'not run';
    const outer = await withRepairLock(fixture.database, async () => {
      inner = await withRepairLock(fixture.database, async () => 'inner');
      return 'outer';
    });
    expect([outer, inner]).toEqual(['outer', null]);
    expect(await withRepairLock(fixture.database, async () => 'again')).toBe('again');
  });

  test('the walk over pending deliveries meets each once, whatever the page size', async () => {
    const webhookId = await fixture.makeWebhook();
    const made: string[] = [];
    for (let n = 0; n < 7; n += 1) made.push(await fixture.makeDelivery(webhookId));
    const met: string[] = [];
    for (let after = null, first = true; first || after !== null; first = false) {
      const page = await listPendingDeliveries(fixture.database, 3_600_000, after, 2);
      met.push(...page.deliveries.map(delivery => delivery.id));
      after = page.next as never;
    }
    expect(new Set(met).size).toBe(met.length);
    expect(met).toEqual(expect.arrayContaining(made));
    await cancelPendingDeliveries(fixture.database, webhookId);
    const { deliveries } = await listPendingDeliveries(fixture.database, 3_600_000, null, 10_000);
    expect(deliveries.filter(delivery => made.includes(delivery.id))).toEqual([]);
  });
});
