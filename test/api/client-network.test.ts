import { expect, it } from 'vitest';
import { clientNetwork } from '../../api/client-network.ts';

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  // What a proxy that is believed may say.
  ['somewhere', 'somewhere'],
  [undefined, 'unknown'],
])('%s is known as %s', (ip, expected) => {
  expect(clientNetwork(ip === undefined ? ({} as never) : { ip })).toBe(expected);
});
