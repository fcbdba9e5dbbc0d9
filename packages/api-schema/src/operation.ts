import type { z } from 'zod';

/** What a key must be allowed to do; `instance`: only the instance's own key; null: no key at all. */
export type OperationScope = 'admin' | 'publish' | 'read' | 'instance' | null;

export interface OperationResponse {
  readonly description: string;
  /** None: the answer has no body. */
  readonly schema?: z.ZodType;
  /** `application/json` unless given. */
  readonly contentType?: string;
}

/** The array that most of a large body is. */
export interface BodyItems {
  /** Its name in the body, which is an object. */
  readonly member: string;
  readonly max: number;
  /** A larger item is not parsed: to the operation it is null, in its place. */
  readonly maxItemBytes: number;
}

/** One call of the API: its route, its validation and its documentation come from this. */
export interface Operation {
  readonly operationId: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** As OpenAPI spells it: `/v1/webhooks/{id}`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly scope: OperationScope;
  /** True: the instance's key may leave the workspace out. */
  readonly acrossWorkspaces?: true;
  readonly request: {
    readonly params?: z.ZodObject;
    readonly query?: z.ZodObject;
    readonly headers?: z.ZodObject;
    readonly body?: z.ZodType;
  };
  /** True: a request without a body counts as `{}`. */
  readonly bodyOptional?: true;
  /** 256 KiB unless given. */
  readonly maxBodyBytes?: number;
  /** 64 unless given. */
  readonly maxBodyDepth?: number;
  /** An array that is nearly all of the body. Its items are parsed one by one, and other requests have turns in between. */
  readonly bodyItems?: BodyItems;
  /** By status; problems need no mention. */
  readonly responses: Readonly<Record<number, OperationResponse>>;
}

/** Keeps the exact types of a declaration, so that its handler's input is typed by it. */
export function defineOperation<const O extends Operation>(operation: O): O {
  return operation;
}
