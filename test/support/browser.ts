/** A real Chromium, out of an npm package. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

/** Unpacked once for a checkout: that takes seconds, and a hundred megabytes. */
const UNPACKED = fileURLToPath(new URL('../../node_modules/.cache/chromium-153.0.0', import.meta.url));

/** The fonts of the package and no others: without any, pages have no text, and with those of a machine another width. */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${UNPACKED}/fonts</dir><cachedir>${UNPACKED}/fonts-cache</cachedir></fontconfig>
`;

/** Where runs leave what pages looked like; git ignores it. */
export const SCREENSHOTS = fileURLToPath(new URL('../web/screenshots/', import.meta.url));

export async function startBrowser(): Promise<Browser> {
  await unpack();
  return await chromium.launch({
    executablePath: join(UNPACKED, 'chromium'),
    // Tests may run as root, for whom Chromium has no sandbox. What protects pages stays on.
    args: ['--no-sandbox', '--no-zygote', '--disable-gpu'],
    env: { ...process.env, FONTCONFIG_FILE: join(UNPACKED, 'fonts.conf') },
    timeout: 180_000,
  });
}

/** In a process of its own, since the package unpacks into the folder for temporary files. */
async function unpack(): Promise<void> {
  if (existsSync(UNPACKED)) return;
  const folder = `${UNPACKED}-${randomUUID()}`;
  await mkdir(dirname(UNPACKED), { recursive: true });
  await mkdir(folder);
  try {
    const script = `import chromium from '@sparticuz/chromium'; await chromium.executablePath();`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, TMPDIR: folder },
    });
    await writeFile(join(folder, 'fonts.conf'), FONTS);
    await rename(folder, UNPACKED).catch(error => {
      // Another worker was quicker.
      if (!existsSync(UNPACKED)) throw error;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
