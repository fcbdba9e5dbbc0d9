// node scripts/with-node-24.mjs scripts/generate-configuration-table.ts
//
// Writes the table of settings in docs/configuration.md from the apps' own declarations. A test fails where the two differ.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Setting, Settings } from '@signpost/runtime';

const root = path.resolve(import.meta.dirname, '..');
const BEGIN = '<!-- settings: written by scripts/generate-configuration-table.ts -->';
const END = '<!-- end of settings -->';

/** The document that holds the table. */
export const configurationFile = path.join(root, 'docs/configuration.md');

const APPS = [
  { name: 'API', file: 'apps/api/src/config.ts', settings: 'apiSettings' },
  { name: 'dispatcher', file: 'apps/dispatcher/src/config.ts', settings: 'dispatcherSettings' },
  { name: 'queue page', file: 'apps/queue-page/src/config.ts', settings: 'queuePageSettings' },
] as const;

interface Row {
  name: string;
  apps: string[];
  fallback: string;
  description: string;
}

/** The document with its table as the apps declare their settings now. */
export async function renderConfiguration(document: string): Promise<string> {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`docs/configuration.md must hold the lines ${BEGIN} and ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${renderTable(await readRows())}\n\n${document.slice(end)}`;
}

/** A setting that several apps read alike is one row. */
async function readRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const app of APPS) {
    for (const [name, setting] of Object.entries(await readSettingsOf(app))) {
      const row: Row = { name, apps: [app.name], fallback: fallbackOf(setting), description: setting.description };
      const known = rows.find(
        other => other.name === name && other.fallback === row.fallback && other.description === row.description,
      );
      if (known === undefined) rows.push(row);
      else known.apps.push(app.name);
    }
  }
  return rows;
}

/** No package exports the settings of an app, and this is the one reader that wants them without starting it. */
async function readSettingsOf(app: (typeof APPS)[number]): Promise<Settings> {
  const module = (await import(pathToFileURL(path.join(root, app.file)).href)) as Record<string, Settings | undefined>;
  const settings = module[app.settings];
  if (settings === undefined) throw new Error(`${app.file} does not export ${app.settings}`);
  return settings;
}

function fallbackOf(setting: Setting): string {
  if (setting.requiredInProduction === true) return '**must be set**';
  return setting.defaultText ?? '';
}

/** Columns are padded as Biome pads them, so that formatting the document changes nothing. */
function renderTable(rows: readonly Row[]): string {
  const cells = [
    ['setting', 'read by', 'default', 'what it does'],
    ...rows.map(({ name, apps, fallback, description }) => [
      `\`${name}\``,
      apps.length === APPS.length ? 'all' : apps.join(', '),
      inCell(fallback),
      inCell(description),
    ]),
  ];
  const widths = [0, 1, 2, 3].map(column => Math.max(...cells.map(row => row[column]?.length ?? 0)));
  const [header, ...body] = cells.map(
    row => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`,
  );
  const ruler = `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`;
  return [header, ruler, ...body].join('\n');
}

function inCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

if (process.argv[1] === import.meta.filename)
  writeFileSync(configurationFile, await renderConfiguration(readFileSync(configurationFile, 'utf8')));
