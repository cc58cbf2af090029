/** Often enough that what a service spends is seen while one looks. */
export const REFRESH_MS = 4_000;
