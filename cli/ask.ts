import { createInterface, type Interface } from "node:readline";
import { Writable } from "node:stream";
import { CommandFailure } from "./failure.ts";

/**
 * Asks on the terminal, or takes the lines of standard input where there is none: secrets never stand on a command
 * line, which every user of the machine can read.
 */
export class Questions implements Disposable {
  #echo = true;
  readonly #terminal: Interface;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        // To standard error: standard output may be JSON.
        if (this.#echo) process.stderr.write(chunk);
        done();
      },
    });
    this.#terminal = createInterface({ input: process.stdin, output, terminal: process.stdin.isTTY === true });
    this.#lines = this.#terminal[Symbol.asyncIterator]();
  }

  /** @throws CommandFailure when there is no answer */
  async ask(question: string): Promise<string> {
    process.stderr.write(question);
    return (await this.#line(question)).trim();
  }

  /** The same without an echo of what is typed. */
  async askSecret(question: string): Promise<string> {
    process.stderr.write(question);
    this.#echo = false;
    try {
      return await this.#line(question);
    } finally {
      this.#echo = true;
      if (process.stdin.isTTY) process.stderr.write("\n");
    }
  }

  [Symbol.dispose](): void {
    this.#terminal.close();
    process.stdin.unref();
  }

  async #line(question: string): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done) {
      throw new CommandFailure(`Nothing was answered to "${question.trim()}"; run the command again and type it.`);
    }
    return value;
  }
}
