/** A step that cannot work. The message says what is wrong and what to do by hand; it is shown without a stack trace. */
export class Stop extends Error {}
