import { ContractError } from './contract-error.ts';
import type { ContractDocument, HeaderDocument } from './document.ts';
import { compileEnvelope, envelopeNeedsAttempt } from './envelope.ts';
import { PathTreeBuilder, readPaths } from './json-path.ts';
import { MAX_BODY_BYTES, MAX_HEADER_BYTES, MAX_HEADERS_BYTES, MAX_SIGNED_BYTES, tooLarge } from './request-limits.ts';
import type { BodyInput, SealedRequest, SealInput } from './seal-input.ts';
import { checkSecret, generateSecret, publicKeyOf, type SecretCheck } from './secret.ts';
import { compileContent, compileSigner } from './signature.ts';
import { compileText, type TextReader, validTokens } from './vocabulary.ts';

/** A contract turned into functions. Nothing of the document is interpreted again for a delivery. */
export interface CompiledContract {
  readonly document: ContractDocument;
  readonly name: string;
  /** Default that a webhook's own value overrides. */
  readonly timeoutMs: number;
  /** Default that a webhook's own value overrides: seconds after each failed attempt. */
  readonly retryScheduleSeconds: readonly number[];
  /** Share, 0 to 1, by which a retry's wait may grow at random. */
  readonly retryJitterRatio: number;
  /**
   * Body, headers and signature of one attempt.
   *
   * @throws ContractError `secret_missing`, `secret_malformed`, `method_not_in_contract`, `request_too_large`
   */
  seal(input: SealInput): SealedRequest;
  /**
   * The body's text, the same bytes as those of `seal` for equal values.
   *
   * @throws ContractError `attempt_values_missing` when `bodyNeedsAttempt` and the attempt's id or time is not given;
   *   `request_too_large`
   */
  body(input: BodyInput): string;
  /** Whether the body changes between the attempts of one delivery, as repairy's `timestamp` does. */
  readonly bodyNeedsAttempt: boolean;
  /**
   * The string that the newest secret signs, for previews. Contracts whose content names `{secret}` put the secret in
   * it: show it only to whoever gave that secret.
   *
   * @throws ContractError `request_too_large`
   */
  signedContent(input: SealInput): string;
  generateSecret(): string;
  checkSecret(secret: string): SecretCheck;
  /** What receivers verify with in an asymmetric contract, `whpk_…`; null in all others and for a malformed secret. */
  publicKey(secret: string): string | null;
  /** Whether an old and a new secret can sign side by side; if not, a rotation takes effect at once. */
  readonly canCarryTwoSignatures: boolean;
  /** Names of the headers that carry signatures, as `seal` spells them. */
  readonly signatureHeaderNames: readonly string[];
  isSuccess(statusCode: number): boolean;
  /** Whether the receiver says by this status code that the webhook is gone for good. */
  disablesWebhook(statusCode: number): boolean;
}

const NO_DATA: readonly (string | null)[] = [];

/**
 * Compiles a document that `parseContractDocument` accepted.
 *
 * @throws ContractError `contract_invalid` for a template that is not valid in its place
 */
export function compileContract(document: ContractDocument): CompiledContract {
  const paths = new PathTreeBuilder();
  const writeBody = compileEnvelope(document.envelope, paths);
  const content = compileContent(document.signature.content, paths);
  const sign = compileSigner(document.signature, document.secret, content);
  const headers = withContentType(document.headers).map(header => compileHeader(header, 'header', paths));
  const signatureHeaders = document.signature.headers.map(header => compileHeader(header, 'signature_header', paths));
  const tree = paths.build();
  const readData = (input: SealInput): readonly (string | null)[] =>
    tree.size === 0 ? NO_DATA : readPaths(input.data, tree);
  const chooseMethod = compileMethod(document);
  const bodyNeedsAttempt = envelopeNeedsAttempt(document.envelope);

  return {
    document,
    name: document.name,
    timeoutMs: document.timeout_ms,
    retryScheduleSeconds: document.retry.schedule_seconds,
    retryJitterRatio: document.retry.jitter_ratio,
    bodyNeedsAttempt,
    canCarryTwoSignatures: document.signature.separator !== null,
    signatureHeaderNames: signatureHeaders.map(header => header.name),
    seal(input) {
      const data = readData(input);
      // Encoded once: the same buffer is signed and sent.
      const body = Buffer.from(writeBody(input, data), 'utf8');
      if (body.length > MAX_BODY_BYTES) throw tooLarge('The body', MAX_BODY_BYTES);
      const signatures = sign(input, data, body);
      const sealed = new SealedHeaders();
      for (const header of headers) sealed.add(header.name, header.read(input, data, ''));
      // In a signature header the reader's third argument carries the signatures.
      for (const header of signatureHeaders) sealed.add(header.name, header.read(input, data, signatures));
      return { method: chooseMethod(input.method), headers: sealed.headers, body };
    },
    body(input) {
      if (bodyNeedsAttempt && (input.attemptId === undefined || input.attemptUnixSeconds === undefined)) {
        throw new ContractError('attempt_values_missing', `The body of ${document.name} holds values of the attempt.`);
      }
      const full = { attemptId: '', attemptUnixSeconds: 0, ...input, secrets: [] };
      return writeBody(full, readData(full));
    },
    signedContent(input) {
      const data = readData(input);
      const [newest = ''] = input.secrets;
      const body = writeBody(input, data);
      let text = '';
      for (const part of content) {
        text += part === null ? body : part(input, data, newest);
        if (text.length > MAX_SIGNED_BYTES) throw tooLarge('The signed content', MAX_SIGNED_BYTES);
      }
      return text;
    },
    generateSecret: () => generateSecret(document.secret, document.signature.algorithm),
    checkSecret: secret => checkSecret(document.secret, document.signature.algorithm, secret),
    publicKey: secret => publicKeyOf(document.secret, document.signature.algorithm, secret),
    isSuccess: statusCode => statusCode >= document.success.from && statusCode <= document.success.to,
    disablesWebhook: statusCode => document.success.disable_on.includes(statusCode),
  };
}

/** Headers as they are added, within what one and all of them may have. Their values are ASCII: a character is a byte. */
class SealedHeaders {
  readonly headers: Record<string, string> = {};
  #bytes = 0;

  add(name: string, value: string): void {
    if (value.length > MAX_HEADER_BYTES) throw tooLarge(`The header ${name}`, MAX_HEADER_BYTES);
    this.#bytes += name.length + value.length;
    if (this.#bytes > MAX_HEADERS_BYTES) throw tooLarge('The headers', MAX_HEADERS_BYTES);
    this.headers[name] = value;
  }
}

function compileHeader(
  { name, value }: HeaderDocument,
  place: 'header' | 'signature_header',
  paths: PathTreeBuilder,
): { name: string; read: TextReader } {
  return { name, read: compileText(validTokens(value, place), paths, true) };
}

/** Every body is JSON; a contract only has to say so when it says it in its own way. */
function withContentType(headers: readonly HeaderDocument[]): readonly HeaderDocument[] {
  if (headers.some(header => header.name.toLowerCase() === 'content-type')) return headers;
  return [{ name: 'Content-Type', value: 'application/json' }, ...headers];
}

function compileMethod(document: ContractDocument): (own: string | null) => string {
  const allowed = new Set<string>(document.methods);
  const [first = 'POST'] = document.methods;
  return own => {
    if (own === null) return first;
    if (!allowed.has(own)) {
      throw new ContractError('method_not_in_contract', `${document.name} does not allow the method ${own}.`);
    }
    return own;
  };
}
