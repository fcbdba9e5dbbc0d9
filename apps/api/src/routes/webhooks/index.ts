import type { ApiDependencies } from '../../dependencies.ts';
import type { Route } from '../../routing.ts';
import { createWebhook } from './create-webhook.ts';
import { deleteWebhook } from './delete-webhook.ts';
import { getWebhook } from './get-webhook.ts';
import { listWebhooks } from './list-webhooks.ts';
import { rotateWebhookSecret } from './rotate-webhook-secret.ts';
import { testWebhook } from './test-webhook.ts';
import { updateWebhook } from './update-webhook.ts';

export const webhookRoutes = (dependencies: ApiDependencies): Route[] => [
  createWebhook(dependencies),
  listWebhooks(dependencies),
  getWebhook(dependencies),
  updateWebhook(dependencies),
  deleteWebhook(dependencies),
  testWebhook(dependencies),
  rotateWebhookSecret(dependencies),
];
