export { type Database, type DatabaseOptions, openDatabase, pingDatabase } from './database.ts';
export { isDatabaseUnavailable } from './unavailable.ts';
