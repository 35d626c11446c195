/** A step cannot be done. The message says what is wrong and what to do by hand; shown without a stack trace. */
export class Stop extends Error {}
