import type { ContractDocument } from '../document.ts';
import { githubDocument } from './github.ts';
import { nixflexDocument } from './nixflex.ts';
import { repairyDocument } from './repairy.ts';
import { repixaDocument } from './repixa.ts';
import { replicerDocument } from './replicer.ts';
import { repullDocument } from './repull.ts';
import { slackDocument } from './slack.ts';
import { standardDocument } from './standard.ts';
import { stripeDocument } from './stripe.ts';

/** The documents that come with Signpost by name, the default first. */
export const builtInDocuments = {
  standard: standardDocument,
  replicer: replicerDocument,
  repixa: repixaDocument,
  repull: repullDocument,
  nixflex: nixflexDocument,
  repairy: repairyDocument,
  stripe: stripeDocument,
  github: githubDocument,
  slack: slackDocument,
} satisfies Readonly<Record<string, ContractDocument>>;
