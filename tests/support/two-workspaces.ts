import { type Receiver, startReceiver } from '@signpost/testing';
import { type Answer, type AnyJson, type Installation, startInstallation } from './installation.ts';

/** An installation in which the workspace `default` has two of everything, and a stranger a workspace of its own. */
export interface TwoWorkspaces {
  readonly signpost: Installation;
  readonly receiver: Receiver;
  readonly document: { readonly paths: Readonly<Record<string, Record<string, AnyJson>>> };
  /** What belongs to `default`, by the prefix of ids or the name of the collection. */
  readonly theirs: Readonly<Record<string, string>>;
  readonly adminHeaders: Readonly<Record<string, string>>;
  readonly strangerKey: string;
  /** With the stranger's key, which may do everything in its workspace. */
  readonly asStranger: (method: string, path: string, body?: unknown) => Promise<Answer>;
  close(): Promise<void>;
}

/** A contract of a workspace's own; valid. */
export const ownContract = {
  name: 'their-contract',
  title: 'Of their own',
  envelope: { shape: 'data' },
  signature: {
    algorithm: 'hmac-sha256',
    content: '{body}',
    encoding: 'hex',
    format: '{signature}',
    separator: null,
    headers: [{ name: 'X-Signature', value: '{signatures}' }],
  },
};

export async function startTwoWorkspaces(): Promise<TwoWorkspaces> {
  const signpost = await startInstallation();
  const receiver = await startReceiver();
  const adminHeaders = { authorization: `Bearer ${signpost.environment['ADMIN_API_KEY']}` };
  const theirs = await fillDefault(signpost, receiver, adminHeaders);
  const strangerKey = await makeStranger(signpost, receiver, adminHeaders);
  return {
    signpost,
    receiver,
    document: (await signpost.call('GET', '/openapi.json')).body,
    theirs,
    adminHeaders,
    strangerKey,
    asStranger: (method, path, body) => signpost.call(method, path, body, { authorization: `Bearer ${strangerKey}` }),
    async close() {
      await signpost.close();
      await receiver.close();
    },
  };
}

async function fillDefault(
  signpost: Installation,
  receiver: Receiver,
  adminHeaders: Record<string, string>,
): Promise<Record<string, string>> {
  const { url } = receiver;
  const theirs: Record<string, string> = {
    'event-types': 'call.ended',
    agent: 'agent_of_theirs',
    subject: 'their-subject',
  };
  await signpost.createWebhook({ url, events: ['call.ended'] });
  theirs['wh'] = (await signpost.createWebhook({ url, events: ['call.ended'], subject: theirs['subject'] })).id;
  for (let n = 0; n < 2; n += 1)
    theirs['evt'] = await signpost.publish({ eventType: 'call.ended', data: { n }, subject: theirs['subject'] ?? '' });
  theirs['del'] = (await signpost.settledDeliveries(theirs['evt'] ?? ''))[0].id;
  for (const name of ['call.ended', 'call.started']) await signpost.call('POST', '/v1/event-types', { name });
  theirs['contracts'] = (await signpost.call('POST', '/v1/contracts', ownContract)).body.name;
  await signpost.call('PUT', `/v1/agents/${theirs['agent']}`, { webhook_url: url });
  theirs['key'] = (await signpost.call('POST', '/v1/api-keys', { name: 'another', scopes: ['read'] })).body.id;
  theirs['ws'] = (await signpost.call('GET', '/v1/workspaces', undefined, adminHeaders)).body.data[0].id;
  return theirs;
}

/** @returns the secret of its key */
async function makeStranger(
  signpost: Installation,
  receiver: Receiver,
  adminHeaders: Record<string, string>,
): Promise<string> {
  const stranger = (await signpost.call('POST', '/v1/workspaces', { name: 'stranger' }, adminHeaders)).body;
  const fields = { name: 'stranger', scopes: ['admin', 'publish', 'read'] };
  const key = await signpost.call('POST', '/v1/api-keys', fields, { ...adminHeaders, 'x-workspace-id': stranger.id });
  const headers = { authorization: `Bearer ${key.body.secret}` };
  // A little of its own, so that its lists are not empty anyway.
  await signpost.call('POST', '/v1/webhooks', { url: `${receiver.url}/own`, events: ['own.made'] }, headers);
  for (let n = 0; n < 2; n += 1) {
    const published = await signpost.call('POST', '/v1/events', { event_type: 'own.made', data: n }, headers);
    await receiver.waitForRequests(1);
    if (published.status !== 202) throw new Error(published.text);
  }
  return key.body.secret;
}
