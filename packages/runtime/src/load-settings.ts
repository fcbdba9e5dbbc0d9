import { describeSettings, readSettings, type Settings, SettingsError, type SettingValues } from './settings.ts';

/**
 * Reads an app's settings from its environment. Prints them and ends the process on `--help`; says what is wrong and ends
 * it with code 1 where a value is missing or not valid.
 *
 * @param title first line of the help
 */
export function loadSettings<S extends Settings>(title: string, settings: S): SettingValues<S> {
  if (process.argv.includes('--help')) {
    process.stdout.write(`${title}\n\nSettings, from the environment:\n${describeSettings(settings)}\n`);
    process.exit(0);
  }
  try {
    return readSettings(settings, process.env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${title}: cannot start.\n${error.message}\n`);
    process.exit(1);
  }
}
