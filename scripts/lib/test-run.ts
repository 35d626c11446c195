import { run } from "node:test";
import { spec } from "node:test/reporters";

/** What a run of tests is told, as JSON in its one argument. */
export interface Order {
  /** In the order in which they begin. */
  readonly files: readonly string[];
  /** Options of Node for each file, such as --test-name-pattern=quote. */
  readonly options: readonly string[];
  /** How many files at once. */
  readonly concurrency: number;
  /** A test that takes longer fails, milliseconds. */
  readonly timeout: number;
}

// `node --test` would sort the files by name.
const { files, options, ...limits } = JSON.parse(process.argv[2] ?? "") as Order;
const tests = run({ ...limits, files: [...files], execArgv: [...options] });
tests.on("test:summary", ({ file, success }) => {
  if (file === undefined && !success) process.exitCode = 1;
});
tests.compose(spec).pipe(process.stdout);
