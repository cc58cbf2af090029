/** The pages: files for anybody, out of a folder that holds nothing else. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import express, { Router } from 'express';
import { Problem } from './problem.ts';

/** Of what is built, by the address at which it is. */
const BUILT_PAGES = {
  '/': 'index.html',
  '/key': 'key.html',
  '/account': 'account.html',
  '/recover': 'recover.html',
  '/operator': 'operator.html',
} as const;

/** Named after their content: a file of this name never changes. */
const FOR_EVER = { immutable: true, maxAge: '1y', index: false, fallthrough: true } as const;

/**
 * Serves what was built of the pages (`npm run build:pages`). What is hashed in its name may be kept for ever, all else is
 * asked for each time.
 */
export function pageRoutes(webFolder: string): Router {
  const built = join(webFolder, 'dist');
  const router = Router();
  for (const [path, file] of Object.entries(BUILT_PAGES))
    router.get(path, (_request, response) => {
      if (!existsSync(join(built, file)))
        throw new Problem(
          'not_found',
          'This page is not built: run `npm run build:pages` where the API is installed.',
        );
      response.set('Cache-Control', 'no-cache').sendFile(file, { root: built, cacheControl: false });
    });
  router.use('/assets', express.static(join(built, 'assets'), FOR_EVER));
  return router;
}
