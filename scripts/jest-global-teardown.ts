import { runningServers } from './jest-running-servers.ts';

export default async function tearDown(): Promise<void> {
  for (const server of runningServers.splice(0)) await server.stop();
}
