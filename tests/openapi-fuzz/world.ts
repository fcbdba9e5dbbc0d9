import { type Receiver, startReceiver } from '@signpost/testing';
import { type AnyJson, type Installation, startInstallation } from '../support/installation.ts';

/** Whose key a request carries. */
export const keyKinds = [
  'all',
  'read',
  'publish',
  'stranger',
  'revoked',
  'unknown',
  'malformed',
  'none',
  'instance',
  'instance of the workspace',
] as const;
export type KeyKind = (typeof keyKinds)[number];

/** An installation with two workspaces in which one of everything exists. */
export interface World {
  readonly signpost: Installation;
  readonly receiver: Receiver;
  readonly document: AnyJson;
  /** What a path or a body may name, by the prefix of ids or the name of the collection; more comes from answers. */
  readonly names: Record<string, string[]>;
  /** By the path of the list. */
  readonly cursors: Record<string, string[]>;
  /** Contract documents that are valid but for a name of their own. */
  readonly contractDocuments: AnyJson[];
  /** The headers by which a key is sent. */
  keyHeaders(kind: KeyKind): Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Keys and workspaces that may be taken away. */
const spares = 12;

export async function startWorld(): Promise<World> {
  const signpost = await startInstallation();
  const receiver = await startReceiver();
  const authorizations = await makeKeys(signpost);
  const document = (await signpost.call('GET', '/openapi.json')).body;
  const contractDocuments: AnyJson[] = [];
  for (const name of ['standard', 'stripe', 'slack', 'repixa'])
    contractDocuments.push((await signpost.call('GET', `/v1/contracts/${name}`)).body.document);
  const names = await makeOneOfEach(signpost, { receiver, contractDocuments, stranger: authorizations.stranger });
  return {
    signpost,
    receiver,
    document,
    names,
    cursors: await findCursors(signpost, document, authorizations['instance of the workspace']),
    contractDocuments,
    keyHeaders: kind => authorizations[kind],
    async close() {
      await signpost.close();
      await receiver.close();
    },
  };
}

type KeyHeaders = Readonly<Record<string, string>>;

const instance = ({ environment }: Installation): KeyHeaders => ({
  authorization: `Bearer ${environment['ADMIN_API_KEY']}`,
});

/** @throws if it was not made */
async function make(signpost: Installation, path: string, body: unknown, headers?: KeyHeaders): Promise<AnyJson> {
  const answer = await signpost.call('POST', path, body, headers);
  if (answer.status > 299) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

async function makeKeys(signpost: Installation): Promise<Record<KeyKind, KeyHeaders>> {
  const admin = instance(signpost);
  const workspaceId = (await signpost.call('GET', '/v1/workspaces', undefined, admin)).body.data[0].id;
  const stranger = await make(signpost, '/v1/workspaces', { name: 'stranger' }, admin);
  const makeKey = (scope: string, headers?: KeyHeaders): Promise<AnyJson> =>
    make(signpost, '/v1/api-keys', { name: 'fuzz', scopes: [scope] }, headers);
  const revoked = await makeKey('admin');
  await signpost.call('DELETE', `/v1/api-keys/${revoked.id}`);
  const bearer = ({ secret }: AnyJson): KeyHeaders => ({ authorization: `Bearer ${secret}` });
  return {
    all: bearer({ secret: signpost.key }),
    read: bearer(await makeKey('read')),
    publish: bearer(await makeKey('publish')),
    stranger: bearer(await makeKey('admin', { ...admin, 'x-workspace-id': stranger.id })),
    revoked: bearer(revoked),
    unknown: bearer({ secret: 'sk_live_unknown' }),
    malformed: { authorization: 'Basic c2s6' },
    none: {},
    instance: admin,
    'instance of the workspace': { ...admin, 'x-workspace-id': workspaceId },
  };
}

interface Parts {
  readonly receiver: Receiver;
  readonly contractDocuments: readonly AnyJson[];
  readonly stranger: KeyHeaders;
}

async function makeOneOfEach(signpost: Installation, parts: Parts): Promise<Record<string, string[]>> {
  const { receiver, contractDocuments, stranger } = parts;
  const [key, ws, wh, evt, del]: [string[], string[], string[], string[], string[]] = [[], [], [], [], []];
  const agents = ['agent-1', 'agent-2'];
  for (let n = 0; n < spares; n += 1) {
    key.push((await make(signpost, '/v1/api-keys', { name: 'spare', scopes: ['read'] })).id);
    ws.push((await make(signpost, '/v1/workspaces', { name: `spare ${n}` }, instance(signpost))).id);
  }
  const eventTypes = ['call.ended', 'call.started', 'order.paid'];
  for (const name of eventTypes)
    await make(signpost, '/v1/event-types', { name, ...(name === 'order.paid' ? { schema: { type: 'object' } } : {}) });
  const contracts = ['standard', 'github'];
  for (let n = 0; n < 3; n += 1)
    contracts.push((await make(signpost, '/v1/contracts', { ...contractDocuments[0], name: `own-${n}` })).name);
  for (const agent of agents) await signpost.call('PUT', `/v1/agents/${agent}`, { webhook_url: receiver.url });
  for (let n = 0; n < 6; n += 1)
    wh.push((await signpost.createWebhook({ url: `${receiver.url}/${n}`, events: ['call.ended'] })).id);
  for (let n = 0; n < 3; n += 1) {
    const eventId = await signpost.publish({ eventType: 'call.ended', data: { n }, subject: 'agent-1' });
    evt.push(eventId);
    for (const delivery of await signpost.settledDeliveries(eventId)) del.push(delivery.id);
  }
  // One of each is somebody else's.
  wh.push((await make(signpost, '/v1/webhooks', { url: receiver.url, events: ['*'] }, stranger)).id);
  evt.push((await make(signpost, '/v1/events', { event_type: 'a', data: 1 }, stranger)).id);
  key.push((await make(signpost, '/v1/api-keys', { name: 'theirs', scopes: ['read'] }, stranger)).id);
  return { key, ws, wh, evt, del, agents, contracts, 'event-types': eventTypes };
}

/** Of every list that has a second page, one of each direction. */
async function findCursors(
  signpost: Installation,
  document: AnyJson,
  headers: KeyHeaders,
): Promise<Record<string, string[]>> {
  const cursors: Record<string, string[]> = {};
  for (const [path, { get }] of Object.entries<AnyJson>(document.paths)) {
    if (!get?.parameters?.some((parameter: AnyJson) => parameter.name === 'cursor')) continue;
    const first = (await signpost.call('GET', `${path}?limit=1`, undefined, headers)).body.next_cursor;
    if (first === null) continue;
    const { body } = await signpost.call('GET', `${path}?limit=1&cursor=${first}`, undefined, headers);
    cursors[path] = [first, body.previous_cursor];
  }
  return cursors;
}
