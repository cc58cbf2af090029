/** What a person mistyped: answered with how it is written. */
export class UsageError extends Error {}
