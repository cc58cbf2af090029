// `npm install` leaves optional platform packages out of package-lock.json when the registry at hand does not
// carry them, and npm 11's `npm ci` then refuses the lock. This adds them as optional entries that only their
// own platform would install. Runs before anything is installed, so it is plain JavaScript. Usage:
//   node dev/complete-lock.mjs package-lock.json
import fs from 'node:fs';

const file = process.argv[2];
if (!file) {
  console.error('usage: node dev/complete-lock.mjs package-lock.json');
  process.exit(2);
}
const lock = JSON.parse(fs.readFileSync(file, 'utf8'));

/** Where Node would find `name` when required from the package at `from`, or null. */
function resolve(from, name) {
  let folder = from;
  for (;;) {
    const candidate = `${folder ? `${folder}/` : ''}node_modules/${name}`;
    if (lock.packages[candidate]) return candidate;
    if (!folder) return null;
    const parent = folder.lastIndexOf('/node_modules/');
    folder = parent < 0 ? '' : folder.slice(0, parent);
  }
}

const added = [];
for (const [path, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (resolve(path, name)) continue;
    const top = `node_modules/${name}`;
    const taken = lock.packages[top] && lock.packages[top].version !== version;
    const os = /(linux|darwin|win32|android|freebsd|openbsd|netbsd|sunos|aix|openharmony)/.exec(name)?.[1];
    const cpu = /(arm64|x64|amd64|ia32|arm|ppc64|riscv64|loong64|s390x)/.exec(name)?.[1];
    lock.packages[taken ? `${path}/${top}` : top] = {
      version,
      optional: true,
      os: [os ?? 'none'],
      ...(cpu ? { cpu: [cpu === 'amd64' ? 'x64' : cpu] } : {}),
      ...(/musl/.test(name) ? { libc: ['musl'] } : {}),
    };
    added.push(`${name}@${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
fs.writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'lock is complete' : `added ${added.length}: ${added.join(' ')}`);
