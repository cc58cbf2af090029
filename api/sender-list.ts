/** The operator's lists of senders: JSON files that the environment names. */
import { readFileSync } from 'node:fs';
import { isAddress } from 'viem';
import { z } from 'zod';
import type { ListedSender } from '../ledger/index.ts';

const sender = z.strictObject({
  address: z
    .string('must be a string')
    .refine(text => isAddress(text), 'must be an address with its checksum, or in lower case'),
  name: z
    .string('must be a string that says whose it is')
    .regex(/^[^\p{Cc}]{1,100}$/u, 'must be one line of 1 to 100 characters'),
});

/**
 * The list in the file at `path`: a JSON array of `{ "address": "0x…", "name": "whose it is" }`. What is wrong with it
 * is added to `problems`, each line beginning with `variable` and naming the entry.
 */
export function readSenderList(variable: string, path: string, problems: string[]): ListedSender[] {
  const content = readJson(path);
  if (!Array.isArray(content)) {
    problems.push(
      `${variable} names ${path}, which ${content === undefined ? 'cannot be read as JSON' : 'is no JSON array'}: ` +
        'make it an array of {"address": "0x…", "name": "whose it is"}.',
    );
    return [];
  }
  return content.flatMap((entry: unknown, index) => {
    const parsed = sender.safeParse(entry);
    if (parsed.success) return [parsed.data];
    const [issue] = parsed.error.issues;
    const field = issue?.path.join('.') ?? '';
    problems.push(
      `${variable}: entry ${index + 1} of ${path}${field === '' ? '' : `, "${field}",`} ${issue?.message ?? 'is invalid'}.`,
    );
    return [];
  });
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
