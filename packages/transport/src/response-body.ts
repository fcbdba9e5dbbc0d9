const replacement = '\ufffd';

/** Collects the start of a response body in one buffer, however many pieces it comes in. */
export class ResponseBody {
  /** True once more came than is kept. */
  overflowed = false;
  readonly #maxBytes: number;
  #bytes: Buffer | null = null;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Keeps what fits. */
  add(chunk: Buffer): void {
    const room = this.#maxBytes - this.#length;
    if (chunk.length > room) this.overflowed = true;
    const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
    if (part.length === 0) return;
    const length = this.#length + part.length;
    if (this.#bytes === null) {
      // The usual body is one chunk: it is kept as it is.
      this.#bytes = part;
    } else {
      if (length > this.#bytes.length) this.#grow(length);
      part.copy(this.#bytes, this.#length);
    }
    this.#length = length;
  }

  /** The text: UTF-8 with replacement characters, and without NUL, which a Postgres text column refuses. */
  text(): string {
    if (this.#bytes === null) return '';
    const text = this.#bytes.toString('utf8', 0, this.#length);
    return text.includes('\0') ? text.replaceAll('\0', replacement) : text;
  }

  /** Copies into a buffer of our own, never into undici's; twice as large each time. */
  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(needed, this.#length * 2, 1024)));
    this.#bytes?.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
