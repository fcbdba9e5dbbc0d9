import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { describeSettings, readSettings, SettingsError } from './settings.ts';

const settings = {
  DATABASE_URL: {
    schema: z.string({ error: 'must be set' }).regex(/^postgres/, 'must start with postgresql://'),
    description: 'Where the data are.',
    requiredInProduction: true,
  },
  PORT: {
    schema: z.coerce.number({ error: 'must be a number' }).int().default(3000),
    description: 'A port.',
    defaultText: '3000',
  },
};

describe('settings', () => {
  test('are read with their defaults', () => {
    expect(readSettings(settings, { DATABASE_URL: 'postgresql://x' })).toEqual({
      DATABASE_URL: 'postgresql://x',
      PORT: 3000,
    });
  });

  test('that are empty count as missing', () => {
    expect(readSettings(settings, { DATABASE_URL: 'postgresql://x', PORT: '' }).PORT).toBe(3000);
  });

  test('that are wrong or missing are all named, with what to set', () => {
    const read = () => readSettings(settings, { PORT: 'eighty' });
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(/DATABASE_URL: must be set[^]*PORT: must be a number/);
    expect(() => readSettings(settings, { NODE_ENV: 'production' })).toThrow(/DATABASE_URL must be set in production/);
  });

  test('describe themselves', () => {
    expect(describeSettings(settings)).toContain('PORT (3000)');
  });
});
