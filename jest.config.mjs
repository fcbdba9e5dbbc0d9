import { fileURLToPath } from 'node:url';

export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/{apps,packages,tests,scripts}/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/.signpost/', '/.signpost-test/'],
  modulePathIgnorePatterns: ['<rootDir>/.signpost/', '<rootDir>/.signpost-test/'],
  globalSetup: '<rootDir>/scripts/jest-global-setup.ts',
  globalTeardown: '<rootDir>/scripts/jest-global-teardown.ts',
  transform: { '^.+\\.ts$': fileURLToPath(new URL('./scripts/jest-strip-types.mjs', import.meta.url)) },
};
