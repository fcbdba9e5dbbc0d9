import { ContractError } from './contract-error.ts';

/**
 * A template may name the event's data many times over, so a small event could become a request of any size. These limits
 * are far above what an event of 256 KiB needs, and are checked as the parts are put together, before memory is taken for
 * the whole.
 */
export const MAX_BODY_BYTES = 1024 * 1024;
/** What is signed: a body of full size and as much beside it. */
export const MAX_SIGNED_BYTES = 2 * MAX_BODY_BYTES;
/** The value of one header. Most servers take 8 KiB in a line. */
export const MAX_HEADER_BYTES = 8 * 1024;
/** Names and values of the contract's headers together. */
export const MAX_HEADERS_BYTES = 16 * 1024;

/** @param what Of the request: `The body`. */
export function tooLarge(what: string, maxBytes: number): ContractError {
  return new ContractError('request_too_large', `${what} would have more than ${maxBytes} bytes.`);
}
