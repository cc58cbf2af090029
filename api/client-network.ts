import { isIPv6 } from 'node:net';
import type { Request } from 'express';

/**
 * Where on the network a request comes from, as far as one buyer is likely to have it alone: an IPv4 address, or the
 * first 64 bits of an IPv6 address, of which every household has at least that many. Behind a proxy this is the proxy,
 * unless that is trusted to say for whom it asks.
 */
export function clientNetwork({ ip }: Pick<Request, 'ip'>): string {
  if (ip === undefined) return 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped?.[1]) return mapped[1];
  return isIPv6(ip) ? `${firstHalf(ip)}::/64` : ip;
}

/** The first four of the eight groups, without leading zeros. */
function firstHalf(address: string): string {
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':');
}
