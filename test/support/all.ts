/** Is this `npm run test:all`? */
export const isAll = process.env.VAST_TRAINING_TEST_ALL === "1";

/** For `skip`: why a test is left out of `npm test`; false = it runs. */
export const notAll = isAll ? false : "a part of npm run test:all";
