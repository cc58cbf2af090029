/** `npm run build:pages`: what browsers load of web/, built anew only when it is made of other sources. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WEB = join(ROOT, 'web');
const BUILT = join(WEB, 'dist');
/** In the build: what it was made of. */
const MADE_OF = 'made-of';
/** Besides web/ itself: the types that it knows, the versions of what it is built with, and how. */
const OTHER_SOURCES = ['package-lock.json', 'tsconfig.json', 'dev/build-pages.ts'];

/**
 * Builds web/dist unless what is there was made of these very sources. A build that fails throws and leaves the old one;
 * of two that run at once each is whole.
 */
export async function buildPages(): Promise<'built' | 'fresh'> {
  const sources = await digestOfSources();
  if (await isMadeOf(sources)) return 'fresh';
  const folder = join(WEB, `dist-${randomUUID()}`);
  await mkdir(folder);
  // Vite believes what is there before the mode that it is given: a test would build React as it is for developing.
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = 'production';
  try {
    // Loading it takes longer than seeing that there is nothing to do.
    const { build } = await import('vite');
    await build({
      configFile: false,
      root: WEB,
      mode: 'production',
      // Else it warns of directives for servers, which these pages have none of.
      logLevel: 'error',
      publicDir: false,
      build: {
        outDir: folder,
        emptyOutDir: false,
        // A file in the text of another would be stopped by the Content-Security-Policy.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        rolldownOptions: { input: globSync('*.html', { cwd: WEB }).map(page => join(WEB, page)) },
      },
    });
    await writeFile(join(folder, MADE_OF), sources);
    await replace(folder, sources);
  } finally {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
    await rm(folder, { recursive: true, force: true });
  }
  return 'built';
}

async function replace(folder: string, sources: string): Promise<void> {
  const old = `${folder}-old`;
  try {
    if (existsSync(BUILT)) await rename(BUILT, old);
    await rename(folder, BUILT);
  } catch (error) {
    // Somebody else was quicker, with the same.
    if (!(await isMadeOf(sources))) throw error;
  } finally {
    await rm(old, { recursive: true, force: true });
  }
}

async function isMadeOf(sources: string): Promise<boolean> {
  return (await readFile(join(BUILT, MADE_OF), 'utf8').catch(() => '')) === sources;
}

async function digestOfSources(): Promise<string> {
  const paths = [...globSync('web/{*.*,src/**/*.*}', { cwd: ROOT }), ...OTHER_SOURCES].sort();
  const hash = createHash('sha256');
  for (const path of paths) {
    const content = await readFile(join(ROOT, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

if (import.meta.main)
  console.log((await buildPages()) === 'built' ? 'web/dist is built' : 'web/dist is as its sources');
