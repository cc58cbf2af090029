import { fileURLToPath } from 'node:url';

/**
 * For NODE_COMPILE_CACHE: where Node keeps what it made of the sources, types stripped. Without it every start of a
 * part does that anew, which is half of the processor's time until it is ready.
 */
export const COMPILE_CACHE = fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url));

/** Where compiled contracts are kept, for every state folder: the compiler takes seconds. */
export const SOLIDITY_CACHE = fileURLToPath(new URL('../node_modules/.cache/solidity', import.meta.url));
