/** A reason to stop that is for the person at the terminal: a sentence, no stack. */
export class StartFailure extends Error {
  override name = 'StartFailure';
}
