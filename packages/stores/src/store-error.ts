export type StoreErrorCode =
  | 'postgres_binaries_missing'
  | 'postgres_data_unusable'
  | 'postgres_start_failed'
  | 'redis_missing'
  | 'redis_start_failed'
  | 'server_stop_failed';

/** A store could not be started or stopped. `message` is a sentence for people; `code` is for programs. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}
