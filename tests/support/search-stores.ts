import { connect } from 'node:net';
import { Redis } from 'ioredis';
import type { Installation } from './installation.ts';

/**
 * How a secret may be written although nobody meant to: as it is, in base64 and hex, and, where it is base64 itself, as the
 * bytes that it stands for.
 */
export function spellingsOf(secret: string): string[] {
  const bare = secret.replace(/^(whsec_|sk_live_|admin_)/, '');
  const decoded = Buffer.from(bare, 'base64');
  return [
    bare,
    encodeURIComponent(bare),
    Buffer.from(secret).toString('hex'),
    // Without its end, which depends on what follows.
    Buffer.from(secret).toString('base64').slice(0, -4),
    decoded.toString('hex'),
  ];
}

export interface RedisListener {
  /** Every command since it began, with its arguments. */
  heard(): string;
  stop(): void;
}

/** Hears what anybody tells a Redis. */
export async function listenToRedis(port: number): Promise<RedisListener> {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  const begun = new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('data', () => resolve());
  });
  socket.setEncoding('latin1').on('data', chunk => (heard += String(chunk)));
  socket.write('MONITOR\r\n');
  await begun;
  return { heard: () => heard.replaceAll('\\"', '"'), stop: () => void socket.destroy() };
}

/** Every key of a Redis with all that is in it. */
export async function everythingInRedis(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const parts: string[] = [];
    for (const key of await redis.keys('*')) parts.push(key, JSON.stringify(await readKey(redis, key)));
    return parts.join('\n').replaceAll('\\"', '"');
  } finally {
    redis.disconnect();
  }
}

async function readKey(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1');
    case 'stream':
      return redis.xrange(key, '-', '+');
    case 'none':
      return null;
    default:
      throw new Error(`No way to read the type ${type} of ${key}`);
  }
}

/**
 * The columns of all tables that hold one of these texts, as `table.column` in order. Bytes count as the text that they
 * spell and as their hex digits.
 */
export async function everyColumnWith(
  signpost: Pick<Installation, 'query'>,
  texts: readonly string[],
): Promise<string[]> {
  const columns = await signpost.query<{ table: string; column: string; type: string }>(
    `select c.relname as table, a.attname as column, format_type(a.atttypid, null) as type
     from pg_attribute a join pg_class c on c.oid = a.attrelid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and a.attnum > 0 and not a.attisdropped order by 1, 2`,
  );
  const found: string[] = [];
  for (const { table, column, type } of columns) {
    const text = type === 'bytea' ? `encode(${column}, 'escape') || encode(${column}, 'hex')` : `${column}::text`;
    const rows = await signpost.query(
      `select 1 from "${table}", unnest($1::text[]) as sought (text) where strpos(${text}, sought.text) > 0 limit 1`,
      [texts],
    );
    if (rows.length > 0) found.push(`${table}.${column}`);
  }
  return found;
}
