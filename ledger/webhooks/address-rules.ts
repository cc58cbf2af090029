/** Which addresses customers may have us connect to: those of the public internet. */
import { BlockList } from 'node:net';

/** Of IPv4 (IANA's special-purpose registry, multicast and what is reserved): nobody's public server. */
const SPECIAL_V4 = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carrier-grade NAT
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, where clouds tell instances their credentials
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
] as const;

/** Of IPv6 only this is public: loopback, unique local, link-local, multicast, mapped and translated IPv4 are not in it. */
const GLOBAL_UNICAST_V6 = ['2000::', 3] as const;

/** What of that is no public server's own address, or is another way to write one of IPv4. */
const SPECIAL_V6 = [
  ['2001::', 23], // protocol assignments, Teredo among them
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4
  ['3fff::', 20], // documentation
] as const;

const specialV4 = new BlockList();
for (const [net, prefix] of SPECIAL_V4) specialV4.addSubnet(net, prefix, 'ipv4');
const globalV6 = new BlockList();
globalV6.addSubnet(...GLOBAL_UNICAST_V6, 'ipv6');
const specialV6 = new BlockList();
for (const [net, prefix] of SPECIAL_V6) specialV6.addSubnet(net, prefix, 'ipv6');
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export function isPublic({ address, family }: Address): boolean {
  return family === 4
    ? !specialV4.check(address, 'ipv4')
    : globalV6.check(address, 'ipv6') && !specialV6.check(address, 'ipv6');
}

/** This machine: where development listens. An IPv4 address written as one of IPv6 is none. */
export function isLoopback({ address, family }: Address): boolean {
  if (family === 4) return loopback.check(address, 'ipv4');
  return loopback.check(address, 'ipv6') && !address.includes('.') && !/^::ffff:/i.test(address);
}
