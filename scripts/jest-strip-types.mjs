// Jest transformer on Node's own type stripping: types are blanked with spaces, so lines and columns stay exact and no
// source maps are needed. Erasable TypeScript only (tsconfig: erasableSyntaxOnly).
import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';

export default {
  process: source => ({ code: stripTypeScriptTypes(source) }),
  // `instrument` belongs into the key: without it a cached file would be reused with and without coverage.
  getCacheKey: (source, file, options) =>
    createHash('sha256')
      .update([process.version, String(options.instrument), options.configString, file, source].join('\0'))
      .digest('hex'),
};
