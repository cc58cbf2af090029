/** The pages: files for anybody, out of two folders that hold nothing else. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import express, { Router } from 'express';
import { Problem } from './problem.ts';

/** Of what is built, by the address at which it is. */
const BUILT_PAGES = { '/account': 'account.html', '/recover': 'recover.html' } as const;

/** Named after their content: a file of this name never changes. */
const FOR_EVER = { immutable: true, maxAge: '1y', index: false, fallthrough: true } as const;

/**
 * Serves the plain order page and what was built of the others (`npm run build:pages`). What is hashed in its name may be
 * kept for ever, all else is asked for each time.
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
  router.use(express.static(join(webFolder, 'order'), { index: 'index.html', dotfiles: 'ignore' }));
  return router;
}
