/**
 * Look-ups that are asked for at the same time, made as one. What arrives while one is under way waits for the next, as
 * commands wait for their batch: nothing is kept from one to the next, so every answer is newer than its question.
 */
export class Gathered<Asked, Answer> {
  readonly #lookUp: (asked: readonly Asked[]) => Promise<readonly (Answer | Promise<Answer>)[]>;
  #waiting: {
    readonly asked: Asked;
    readonly resolve: (answer: Answer | Promise<Answer>) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  #isRunning = false;

  /**
   * @param lookUp Answers each in its place, and promises what takes longer, so that nobody else waits for it. When it
   * fails, all whom it asks for are told.
   */
  constructor(lookUp: (asked: readonly Asked[]) => Promise<readonly (Answer | Promise<Answer>)[]>) {
    this.#lookUp = lookUp;
  }

  ask(asked: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ asked, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      // Let everybody who asks in this turn of the event loop join.
      await new Promise(setImmediate);
      const gathered = this.#waiting;
      this.#waiting = [];
      try {
        const answers = await this.#lookUp(gathered.map(({ asked }) => asked));
        if (answers.length !== gathered.length) throw new Error('not every question was answered');
        gathered.forEach(({ resolve }, index) => {
          resolve(answers[index] as Answer | Promise<Answer>);
        });
      } catch (error) {
        for (const { reject } of gathered) reject(error);
      }
    }
    this.#isRunning = false;
  }
}
