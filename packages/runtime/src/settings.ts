import type { z } from 'zod';

/** One setting of an app, read from an environment variable. */
export interface Setting<Schema extends z.ZodType = z.ZodType> {
  /** Reads the variable's text; may have a default. */
  readonly schema: Schema;
  /** For `--help` and the documentation: what it does, one sentence. */
  readonly description: string;
  /** How the default reads in the documentation, where the schema has one. */
  readonly defaultText?: string;
  /** In production the app does not start without it. */
  readonly requiredInProduction?: boolean;
}

export type Settings = Readonly<Record<string, Setting>>;
export type SettingValues<S extends Settings> = { readonly [Name in keyof S]: z.output<S[Name]['schema']> };

/** The environment lacks a value or has a wrong one; `message` says for each variable what to set. */
export class SettingsError extends Error {
  readonly code = 'settings_invalid';
  constructor(message: string) {
    super(message);
    this.name = 'SettingsError';
  }
}

/**
 * Validates the environment. An empty variable counts as missing.
 *
 * @throws SettingsError with a line for each variable that is missing or wrong
 */
export function readSettings<S extends Settings>(
  settings: S,
  environment: Readonly<Record<string, string | undefined>>,
): SettingValues<S> {
  const production = environment['NODE_ENV'] === 'production';
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, setting] of Object.entries(settings)) {
    const text = environment[name] === '' ? undefined : environment[name];
    if (text === undefined && production && setting.requiredInProduction === true) {
      problems.push(`${name} must be set in production: ${setting.description}`);
      continue;
    }
    const result = setting.schema.safeParse(text);
    if (result.success) values[name] = result.data;
    else
      problems.push(`${name}: ${result.error.issues.map(issue => issue.message).join('; ')}. ${setting.description}`);
  }
  if (problems.length > 0) throw new SettingsError(problems.join('\n'));
  return values as SettingValues<S>;
}

/** The text that `--help` prints: each variable, its default and what it does. */
export function describeSettings(settings: Settings): string {
  return Object.entries(settings)
    .map(
      ([name, { description, defaultText }]) =>
        `  ${name}${defaultText ? ` (${defaultText})` : ''}\n      ${description}`,
    )
    .join('\n');
}
