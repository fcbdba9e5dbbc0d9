import { problemCodes } from '@signpost/api-schema';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { AnyJson } from '../support/installation.ts';
import type { RawAnswer } from '../support/raw-call.ts';
import type { DocumentedOperation } from './drafts.ts';
import type { FuzzRequest } from './requests.ts';

export interface DocumentChecker {
  /** @returns what the document does not allow about an answer; empty: it is as documented */
  faultsOf(operation: DocumentedOperation, request: FuzzRequest, answer: RawAnswer): string[];
}

/** Every answer comes within this, in ms: most take 2, a machine that is short of time takes longer. */
const maxAnswerMs = 5000;

/** @param document the OpenAPI document that the API serves */
export function createDocumentChecker(document: AnyJson): DocumentChecker {
  // Not strict: the document has `example` and the like.
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'document', components: document.components });
  const compiled = new Map<AnyJson, ValidateFunction>();
  const validate = (schema: AnyJson, value: unknown): string | null => {
    let validator = compiled.get(schema);
    if (validator === undefined) {
      validator = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')) as object);
      compiled.set(schema, validator);
    }
    return validator(value) === true ? null : ajv.errorsText(validator.errors, { dataVar: 'body' });
  };
  return {
    faultsOf({ described }, request, answer) {
      const { status } = answer;
      const faults = commonFaults(answer);
      // A path that was damaged may lead nowhere, where no operation promises anything.
      const response = described.responses[status] ?? described.responses.default ?? unrouted(answer);
      if (response === undefined) return [...faults, `status ${status} is not documented`];
      faults.push(...bodyFaults(response, answer, validate));
      const schema = described.requestBody?.content['application/json'].schema;
      // A batch says of each item whether it was taken.
      const isTaken = status < 300 && !answer.body?.data?.some?.((item: AnyJson) => item?.error !== undefined);
      if (schema !== undefined && isTaken && request.value !== undefined) {
        const wrong = validate(schema, request.value);
        if (wrong !== null) faults.push(`a body was taken that the document refuses: ${wrong}`);
      }
      return faults;
    },
  };
}

function commonFaults({ status, headers, body, durationMs }: RawAnswer): string[] {
  const faults: string[] = [];
  if (status >= 500) faults.push(`status ${status}`);
  if (durationMs > maxAnswerMs) faults.push(`took ${Math.round(durationMs)} ms`);
  if (!/^[\x21-\x7e]{1,128}$/.test(String(headers['x-request-id'] ?? ''))) faults.push('no x-request-id');
  if (status >= 400) {
    const kind = problemCodes[body?.code as keyof typeof problemCodes];
    if (kind?.status !== status) faults.push(`code ${body?.code} does not belong to ${status}`);
    if (body?.request_id !== headers['x-request-id']) faults.push('another request id in the body');
  }
  if (body?.code === 'validation_failed' && !(body.errors?.length > 0)) faults.push('no field is named');
  for (const { path, message } of body?.errors ?? [])
    if (zodWords.test(message) || !/^(body|query|header)/.test(path)) faults.push(`${path}: ${message}`);
  return faults;
}

/** Sentences of the validator, which say little to people. */
const zodWords = /^(Invalid|Too (big|small)|Expected|Unrecognized)/;

function bodyFaults(
  response: AnyJson,
  { status, headers, body, text }: RawAnswer,
  validate: (schema: AnyJson, value: unknown) => string | null,
): string[] {
  if (response.content === undefined) return text === '' ? [] : ['a body that is not documented'];
  const type = String(headers['content-type'] ?? '').split(';')[0] ?? '';
  const content = response.content[type];
  if (content === undefined) return [`content type ${type} is not documented for ${status}`];
  const wrong = validate(content.schema, type.endsWith('json') ? body : text);
  return wrong === null ? [] : [wrong];
}

function unrouted({ status }: RawAnswer): AnyJson {
  if (status !== 404 && status !== 405) return undefined;
  return { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } };
}
