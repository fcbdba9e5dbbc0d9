import { Redis } from 'ioredis';
import type { ChaosSystem } from './system.ts';

/** Says every few seconds how much waits where; for the timeline. @returns what ends it */
export function startStateLines(
  { postgres, redis }: ChaosSystem,
  say: (text: string) => void,
  everyMs = 5000,
): () => void {
  const client = new Redis(redis.url, { commandTimeout: 1000, maxRetriesPerRequest: 0 });
  client.on('error', () => {});
  const look = async (): Promise<void> => {
    const [rows, waiting, active, delayed] = await Promise.allSettled([
      postgres.pool.query<{ text: string }>(
        `select (select count(*) from pending_fan_outs) || ' events to fan out, ' || count(*) || ' deliveries due, oldest '
           || coalesce(round(extract(epoch from clock_timestamp() - min(next_attempt_at)))::text, '-') || ' s' as text
         from deliveries where status = 'pending' and next_attempt_at <= clock_timestamp()`,
      ),
      client.llen('bull:deliver:wait'),
      client.llen('bull:deliver:active'),
      client.zcard('bull:deliver:delayed'),
    ]);
    const counts = [waiting, active, delayed].map(each => (each.status === 'fulfilled' ? each.value : '?'));
    const stored = rows.status === 'fulfilled' ? rows.value.rows[0]?.text : 'Postgres is away';
    say(`  ${stored}; jobs waiting, active, delayed: ${counts.join(', ')}`);
  };
  const timer = setInterval(() => void look(), everyMs);
  return () => {
    clearInterval(timer);
    client.disconnect();
  };
}
