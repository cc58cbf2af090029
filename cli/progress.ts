/** How far a long command has come, in one line of the terminal. It goes to stderr, so that stdout can be read by programs. */

const EVERY_MS = 200;
const BAR_WIDTH = 24;

export interface Progress {
  /** Shows `done` of `total` things; of an unknown number when `total` is null. */
  show(done: number, total: number | null): void;
  /** Takes the line away again. */
  clear(): void;
}

const SILENT: Progress = { show() {}, clear() {} };

/** A line that is written over and over, such as `entries [######······] 512 of about 1024`; nothing where no person looks. */
export function startProgress(what: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return SILENT;
  let shownAt = 0;
  const clear = () => stream.write('\r\x1b[K');
  return {
    clear,
    show(done, total) {
      const now = Date.now();
      if (now - shownAt < EVERY_MS) return;
      shownAt = now;
      clear();
      stream.write(progressText(what, done, total));
    },
  };
}

/** The line itself. */
export function progressText(what: string, done: number, total: number | null): string {
  if (total === null || total <= 0) return `${what} ${done}`;
  const filled = Math.min(BAR_WIDTH, Math.floor((done / total) * BAR_WIDTH));
  return `${what} [${'#'.repeat(filled)}${'·'.repeat(BAR_WIDTH - filled)}] ${done} of about ${total}`;
}
