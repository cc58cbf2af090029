import { fileURLToPath } from 'node:url';

/** Compiled contracts, kept between runs in a place that is never committed. */
export const solidityCache = fileURLToPath(new URL('../../node_modules/.cache/solidity', import.meta.url));
