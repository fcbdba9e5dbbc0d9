/** What to `--import` into a process: it asks a name server that is not there, and none outside this machine. */
export const loopbackNameServer = `data:text/javascript,${encodeURIComponent(`
  import dns from 'node:dns/promises';
  import { syncBuiltinESMExports } from 'node:module';
  dns.Resolver = class extends dns.Resolver {
    constructor(options) {
      super(options);
      this.setServers(['127.0.0.1:1']);
    }
  };
  syncBuiltinESMExports();
`)}`;
