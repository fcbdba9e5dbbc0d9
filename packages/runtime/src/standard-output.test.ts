import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect, test } from '@jest/globals';

test('a process whose log nobody reads any more ends, and does so by its own will', async () => {
  const logging = path.resolve(import.meta.dirname, 'logging.ts');
  const script = `
    const { createLogger } = await import(${JSON.stringify(logging)});
    const logger = createLogger('test', 'info');
    process.on('disconnect', () => {
      for (let n = 0; n < 1000; n += 1) logger.info({ n, text: 'x'.repeat(1000) }, 'nobody reads this');
      process.exit(7);
    });
    process.send('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  await new Promise(resolve => child.once('message', resolve));
  child.stdout?.destroy();
  child.disconnect();
  expect(await new Promise(resolve => child.once('exit', resolve))).toBe(7);
}, 20_000);
