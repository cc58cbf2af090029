/**
 * Loaded into Ponder's process before Ponder, to save more than half of its start, which is all processor time. Nothing
 * here changes what runs: where a package looks different one day, that part of the start is merely as slow as before.
 */
import { flushCompileCache, registerHooks } from 'node:module';

/**
 * Node looks for the nearest package.json, and parses it, for every module that it resolves: 5,000 times. Modules of
 * these packages import each other by their exact names and are all ES modules, so there is nothing to resolve.
 */
const EXACT_PACKAGES = [
  'abitype/dist/esm/',
  'drizzle-orm/',
  'kysely/dist/',
  'ox/_esm/',
  'ponder/dist/esm/',
  'viem/_esm/',
].map(path => `/node_modules/${path}`);

/**
 * Ponder runs the project's files by vite-node, which takes any path with an "esm" in it for something that Node could
 * not load by itself. So it would transform and run Ponder a second time, and kysely and graphql with it.
 */
const VITE_NODE = '/node_modules/vite-node/dist/server.mjs';
const ESM_FOLDERS = '|\\/(esm?)\\//.test(id)';

/** Ponder is killed and never ends by itself, so what it compiled would never be kept (NODE_COMPILE_CACHE). */
const FLUSH_AFTER_MS = 10_000;

registerHooks({
  resolve(specifier, context, next) {
    const { parentURL, conditions } = context;
    const isExact = specifier.startsWith('.') && specifier.endsWith('.js') && conditions.includes('import');
    if (!isExact || !EXACT_PACKAGES.some(path => parentURL?.includes(path))) return next(specifier, context);
    return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true };
  },
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith(VITE_NODE) || !(loaded.source instanceof Uint8Array)) return loaded;
    const source = new TextDecoder().decode(loaded.source);
    return { ...loaded, source: source.replace(ESM_FOLDERS, '/.test(id)') };
  },
});

setTimeout(flushCompileCache, FLUSH_AFTER_MS).unref();
