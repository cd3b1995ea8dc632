/** How the demo is told: chapters, steps with their time, and checks that decide the exit code. */
import ora from "ora";

export class Story {
  #checks = 0;
  #broken = 0;

  say(text: string): void {
    console.log(`\n${text}`);
  }

  chapter(title: string): void {
    console.log(`\n${"=".repeat(title.length)}\n${title}\n${"=".repeat(title.length)}`);
  }

  quote(lines: readonly string[]): void {
    for (const line of lines) console.log(line === "" ? "     |" : `     | ${line}`);
  }

  /** A step that takes its time; a failure ends the story. */
  async step<T>(text: string, work: () => Promise<T>): Promise<T> {
    const spinner = process.stdout.isTTY ? ora({ text, indent: 3, stream: process.stdout }) : null;
    spinner?.start();
    const start = performance.now();
    try {
      return await work();
    } finally {
      spinner?.stop();
      console.log(`   - ${text} (${((performance.now() - start) / 1000).toFixed(2)} s)`);
    }
  }

  /** Something that must hold. */
  async check(text: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    const start = performance.now();
    const held = await holds();
    const time = ((performance.now() - start) / 1000).toFixed(2);
    this.#checks += 1;
    if (!held) this.#broken += 1;
    console.log(`   ${held ? "✔" : "✘ BROKEN:"} ${text} (${time} s)`);
  }

  failed(error: unknown): void {
    this.#broken += 1;
    console.log(`   ✘ ${Error.isError(error) ? error.message : String(error)}`);
  }

  /** @returns the exit code */
  end(): number {
    const good = this.#checks > 0 && this.#broken === 0;
    console.log(
      good
        ? `\nAll ${this.#checks} checks held.`
        : `\nThe demo FAILED: ${this.#broken} of its checks did not hold.`,
    );
    return good ? 0 : 1;
  }
}
