import type { IncomingMessage } from 'node:http';
import type { Operation } from '@signpost/api-schema';
import { formatId, type IdKind, type Logger } from '@signpost/runtime';
import type { Access } from '../access/authorize.ts';
import type { Problem } from '../errors/problem.ts';
import type { Answer } from './write-answer.ts';

export interface FinishedRequest {
  readonly request: IncomingMessage;
  readonly requestId: string;
  readonly operation: Operation | null;
  readonly access: Access | null;
  readonly outcome: Answer | Problem;
  readonly status: number;
  readonly durationMs: number;
  /** What was thrown, where the answer is about a fault. */
  readonly error?: unknown;
}

type Level = 'debug' | 'info' | 'warn' | 'error';

/**
 * Writes one line for a request. What succeeds at high rate (publishes, probes) is only worth a line at `debug`, and
 * costs nothing above that.
 */
export function logRequest(logger: Logger, finished: FinishedRequest): void {
  const level = levelOf(finished);
  if (!logger.isLevelEnabled(level)) return;
  const { request, requestId, operation, access, outcome, status, durationMs, error } = finished;
  logger[level](
    {
      request_id: requestId,
      operation: operation?.operationId,
      method: request.method,
      // Without the query string.
      path: request.url?.split('?', 1)[0],
      status,
      code: outcome.kind === 'problem' ? outcome.code : undefined,
      duration_ms: Math.round(durationMs * 10) / 10,
      workspace_id: publicId('workspace', access?.workspace?.workspaceId),
      key_id: publicId('apiKey', access?.keyId),
      error,
    },
    'request.answered',
  );
}

function publicId(kind: IdKind, uuid: string | null | undefined): string | undefined {
  return uuid === null || uuid === undefined ? undefined : formatId(kind, uuid);
}

function levelOf({ status, outcome, operation }: FinishedRequest): Level {
  if (outcome.kind === 'problem') {
    if (outcome.code === 'internal') return 'error';
    return status === 503 ? 'warn' : 'info';
  }
  if (operation === null || operation.scope === null || operation.scope === 'publish') return 'debug';
  return status >= 500 ? 'warn' : 'info';
}
