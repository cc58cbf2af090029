/** What is told of each batch once it is answered, for metrics. It must not throw and should take no time. */
export interface PostingObserver {
  batchPosted(batch: {
    readonly commandCount: number;
    /** From its lock to its commit, with all that had to be tried again. */
    readonly seconds: number;
    /** How long its first command had waited before that. */
    readonly waitedSeconds: number;
  }): void;
}
