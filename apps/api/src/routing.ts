import type { Express, NextFunction, Request, Response } from 'express';
import type { z } from 'zod';
import type { Operation } from '@signpost/api-schema';
import type { AuditedChange, AuditEntry, WorkspaceAccess } from '@signpost/database';
import type { Logger } from '@signpost/runtime';
import { type Access, authorize } from './access/authorize.ts';
import { auditAuthor } from './audit/audit-author.ts';
import type { ApiDependencies } from './dependencies.ts';
import { describeFault } from './errors/describe-fault.ts';
import { notFound, type Problem, problem } from './errors/problem.ts';
import { type JsonBody, readJsonBody } from './middleware/read-body.ts';
import { chooseRequestId } from './middleware/request-id.ts';
import { logRequest } from './middleware/request-log.ts';
import { validateInput, type ValidInput } from './middleware/validate-input.ts';
import { type Answer, writeAnswer } from './middleware/write-answer.ts';
import type { Span } from './publishing/json-spans.ts';

type Validated<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type Part<O extends Operation, Name extends string> =
  O['request'] extends Record<Name, infer Schema> ? Validated<Schema> : undefined;

/** What a handler gets: who calls, on which workspace, and the validated input. */
export interface RequestContext<O extends Operation = Operation> {
  readonly access: Access;
  /** The workspace, with its id; null only in operations across workspaces, with the instance's key. */
  readonly workspace: O extends { readonly acrossWorkspaces: true } ? WorkspaceAccess | null : WorkspaceAccess;
  readonly params: Part<O, 'params'>;
  readonly query: Part<O, 'query'>;
  readonly headers: Part<O, 'headers'>;
  readonly body: Part<O, 'body'>;
  /** The exact text of the body. */
  readonly bodyText: string;
  /** Where the items of the operation's `bodyItems` stand in it. */
  readonly bodyItems: readonly Span[];
  readonly requestId: string;
  /** Makes the audit entry of a change that this call makes. */
  readonly audit: (change: AuditedChange) => AuditEntry;
  /** Its lines carry the request id. */
  readonly logger: Logger;
}

export type Handler<O extends Operation> = (context: RequestContext<O>) => Promise<Answer | Problem> | Answer | Problem;

/** An operation with what does it. */
export interface Route {
  readonly operation: Operation;
  readonly handle: (context: RequestContext) => Promise<Answer | Problem> | Answer | Problem;
}

/** Binds an operation to its handler, which is typed by the operation's schemas. */
export function route<const O extends Operation>(operation: O, handler: Handler<O>): Route {
  // serve() validates by the same schemas that type the handler.
  return { operation, handle: handler };
}

/** What every request needs, whatever its route does. */
export type RoutingDependencies = Pick<
  ApiDependencies,
  'access' | 'loopGuard' | 'findClientAddress' | 'rateLimiter' | 'metrics' | 'logger'
>;

const defaultMaxBodyBytes = 256 * 1024;
const defaultMaxBodyDepth = 64;

/** Adds routes to the app, in their order: what is called most should come first. */
export function mountRoutes(app: Express, routes: readonly Route[], dependencies: RoutingDependencies): void {
  const byPath = Map.groupBy(routes, ({ operation }) => operation.path);
  for (const [path, routesOfPath] of byPath) {
    const expressRoute = app.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const each of routesOfPath)
      expressRoute[each.operation.method]((request, response) => serve(each, request, response, dependencies));
    const allow = routesOfPath.map(({ operation }) => operation.method.toUpperCase()).join(', ');
    expressRoute.all(
      answerOutsideRoutes(dependencies, problem('method_not_allowed', undefined, { headers: { allow } })),
    );
  }
}

/** For requests that no route takes. */
export function answerUnknownPath(dependencies: RoutingDependencies) {
  return answerOutsideRoutes(dependencies, notFound());
}

function answerOutsideRoutes(dependencies: RoutingDependencies, outcome: Problem) {
  return (request: Request, response: Response): void => {
    finish(null, null, outcome, startExchange(request, response), dependencies);
  };
}

/** For what Express itself throws, such as a path that cannot be decoded: such a path names nothing. */
export function answerRoutingFault(dependencies: RoutingDependencies) {
  const unknown = answerUnknownPath(dependencies);
  return (_error: unknown, request: Request, response: Response, _next: NextFunction): void =>
    unknown(request, response);
}

interface Exchange {
  readonly request: Request;
  readonly response: Response;
  readonly requestId: string;
  readonly startedMs: number;
  /** For the answer, whatever it will be. */
  headers: Readonly<Record<string, string>>;
}

function startExchange(request: Request, response: Response): Exchange {
  return { request, response, requestId: chooseRequestId(request.headers), startedMs: performance.now(), headers: {} };
}

async function serve(
  each: Route,
  request: Request,
  response: Response,
  dependencies: RoutingDependencies,
): Promise<void> {
  const exchange = startExchange(request, response);
  let access: Access | null = null;
  try {
    const { operation } = each;
    if (operation.scope === null) {
      const outcome = await each.handle(createContext(exchange, noAccess, noInput, noBody, dependencies));
      return finish(operation, null, outcome, exchange, dependencies);
    }
    const loop = dependencies.loopGuard(request.headers);
    if (loop !== null) return finish(operation, null, loop, exchange, dependencies);
    const authorized = await authorize(operation, request.headers, dependencies.access);
    if (authorized.kind === 'problem') return finish(operation, null, authorized, exchange, dependencies);
    access = authorized;
    const outcome = await answerCall(each, authorized, exchange, dependencies);
    finish(operation, access, outcome, exchange, dependencies);
  } catch (error) {
    finish(each.operation, access, describeFault(error), exchange, dependencies, error);
  }
}

async function answerCall(
  { operation, handle }: Route,
  access: Access,
  exchange: Exchange,
  dependencies: RoutingDependencies,
): Promise<Answer | Problem> {
  const { request } = exchange;
  const { refusal, headers } = dependencies.rateLimiter.take(access.keyId ?? 'instance');
  exchange.headers = headers;
  if (refusal !== null) return refusal;
  let body = noBody;
  if (operation.request.body !== undefined) {
    const read = await readJsonBody(request, {
      maxBytes: operation.maxBodyBytes ?? defaultMaxBodyBytes,
      maxDepth: operation.maxBodyDepth ?? defaultMaxBodyDepth,
      optional: operation.bodyOptional === true,
      items: operation.bodyItems,
    });
    if (read.kind === 'problem') return read;
    body = read;
  }
  const input = validateInput(operation, {
    params: request.params,
    search: searchOf(request.url),
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    body: body.value,
  });
  if (input.kind === 'problem') return input;
  return handle(createContext(exchange, access, input, body, dependencies));
}

function searchOf(url: string): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start);
}

const noAccess: Access = { kind: 'access', keyId: null, keyName: '', scopes: [], workspace: null };
const noBody: JsonBody = { kind: 'body', text: '', value: undefined, items: [] };
const noInput: ValidInput = { kind: 'valid', params: undefined, query: undefined, headers: undefined, body: undefined };

function createContext(
  { request, requestId }: Exchange,
  access: Access,
  { params, query, headers, body }: ValidInput,
  sent: JsonBody,
  { logger, findClientAddress }: RoutingDependencies,
): RequestContext {
  let child: Logger | null = null;
  return {
    access,
    // authorize() leaves it out only where the operation's type says so.
    workspace: access.workspace as WorkspaceAccess,
    params: params as undefined,
    query: query as undefined,
    headers: headers as undefined,
    body: body as undefined,
    bodyText: sent.text,
    bodyItems: sent.items,
    requestId,
    audit: change => ({
      ...change,
      author: auditAuthor(access, { headers: request.headers, ip: findClientAddress(request), requestId }),
    }),
    // Few handlers write a line, and a child costs more than the rest of the context.
    get logger() {
      return (child ??= logger.child({ request_id: requestId }));
    },
  };
}

function finish(
  operation: Operation | null,
  access: Access | null,
  outcome: Answer | Problem,
  { request, response, requestId, startedMs, headers }: Exchange,
  { logger, metrics }: RoutingDependencies,
  error?: unknown,
): void {
  // The client may be gone, or a part of the answer may be out already: nothing more can be said then.
  const status = response.headersSent ? 499 : writeAnswer(response, outcome, requestId, headers);
  const durationMs = performance.now() - startedMs;
  metrics.observe(operation?.operationId ?? 'none', status, durationMs / 1000);
  logRequest(logger, { request, requestId, operation, access, outcome, status, durationMs, error });
}
