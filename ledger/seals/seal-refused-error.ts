/** Why there is no seal now, and what to do about it. */
export class SealRefusedError extends Error {
  override readonly name = 'SealRefusedError';
}
