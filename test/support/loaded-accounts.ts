/** Whose books are posted to under load: enough for several buckets and for both lanes. */
export const LOADED_ACCOUNTS = Array.from({ length: 24 }, (_, index) => index + 1);
