// Which addresses may be asked when their name came from somebody else: metadata of a server can name any host, so the
// gateway must not be made to ask the network it stands in (reliability §4, SSRF).
import { BlockList, isIP } from 'node:net';

export type AddressKind = 'public' | 'loopback' | 'private' | 'forbidden';

const LOOPBACK = blockList(['127.0.0.0/8', '::1/128']);
/** Networks of a house: an operator may name hosts in them. */
const PRIVATE = blockList(['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']);
/** Never asked: link-local (cloud metadata), unspecified, multicast, reserved, and tunnels that hide an IPv4 address. */
const FORBIDDEN = blockList([
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/32',
  '2001:db8::/32',
  '2002::/16',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]);

/** What kind of address this is; a text that is no address is `forbidden`. */
export function kindOf(address: string): AddressKind {
  const bare = address.replace(/%.*$/, '');
  const version = isIP(bare);
  if (version === 0) return 'forbidden';
  const inner = version === 6 ? embedded(bare) : undefined;
  if (inner !== undefined) return kindOf(inner);
  const family = version === 6 ? 'ipv6' : 'ipv4';
  if (LOOPBACK.check(bare, family)) return 'loopback';
  if (PRIVATE.check(bare, family)) return 'private';
  return FORBIDDEN.check(bare, family) ? 'forbidden' : 'public';
}

/** The IPv4 address inside an IPv4-mapped, IPv4-compatible or NAT64 address. */
function embedded(address: string): string | undefined {
  const written = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, prefix, high, low] = /^(::ffff:|64:ff9b::|::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(written) ?? [];
  if (prefix === undefined || high === undefined || low === undefined) return undefined;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join('.');
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', bits = ''] = range.split('/');
    list.addSubnet(network, Number(bits), network.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}
