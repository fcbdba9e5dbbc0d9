/**
 * The address space as data. IPv4 is a deny list, because nearly all of it is global; IPv6 is an allow list (2000::/3,
 * the only block IANA hands out for global unicast) less the special blocks inside it.
 * Sources: IANA special-purpose address registries for IPv4 and IPv6, the RFC named with each block, and the cloud
 * providers' documentation for their metadata services.
 */

/** IPv4 blocks that are not a receiver on the public Internet. */
export const ipv4Denied: readonly string[] = [
  '0.0.0.0/8', // this network, RFC 1122
  '10.0.0.0/8', // private, RFC 1918
  '100.64.0.0/10', // carrier-grade NAT, RFC 6598
  '127.0.0.0/8', // loopback, RFC 1122
  '168.63.129.16/32', // Azure platform address inside public space
  '169.254.0.0/16', // link-local, RFC 3927
  '172.16.0.0/12', // private, RFC 1918
  '192.0.0.0/24', // IETF protocol assignments, RFC 6890
  '192.0.2.0/24', // documentation, RFC 5737
  '192.31.196.0/24', // AS112, RFC 7535
  '192.52.193.0/24', // AMT, RFC 7450
  '192.88.99.0/24', // 6to4 relay anycast, RFC 7526
  '192.168.0.0/16', // private, RFC 1918
  '192.175.48.0/24', // AS112 direct delegation, RFC 7534
  '198.18.0.0/15', // benchmarking, RFC 2544
  '198.51.100.0/24', // documentation, RFC 5737
  '203.0.113.0/24', // documentation, RFC 5737
  '224.0.0.0/4', // multicast, RFC 5771
  '240.0.0.0/4', // reserved and broadcast, RFC 1112, RFC 919
];

/** The IPv6 space handed out for global unicast. Everything else is refused without being listed. */
export const ipv6Allowed: readonly string[] = ['2000::/3'];

/** Special blocks inside 2000::/3. */
export const ipv6Denied: readonly string[] = [
  '2001::/23', // IETF protocol assignments (Teredo, benchmarking, AMT, ORCHID, DRIP …), RFC 2928
  '2001:db8::/32', // documentation, RFC 3849
  '2002::/16', // 6to4, carries an IPv4 address, RFC 3056
  '2620:4f:8000::/48', // AS112 direct delegation, RFC 7534
  '3ffe::/16', // 6bone, returned, RFC 3701
  '3fff::/20', // documentation, RFC 9637
];

/**
 * Addresses of cloud metadata services and platform agents. They hand out credentials, so that no setting allows them,
 * in whichever IPv6 form the IPv4 address is wrapped. Link-local IPv4 is here as a whole: providers keep adding to it.
 */
export const neverAllowed: readonly string[] = [
  '169.254.0.0/16', // AWS, GCP, Azure and OpenStack 169.254.169.254; ECS 169.254.170.2; Tencent 169.254.0.23 …
  '168.63.129.16/32', // Azure
  '100.100.100.200/32', // Alibaba Cloud
  '192.0.0.192/32', // Oracle Cloud Classic
  'fd00:ec2::/32', // AWS: metadata fd00:ec2::254, DNS, time, EKS pod identity fd00:ec2::23
  'fd20:ce::254/128', // GCP
  'fd00:c1::a9fe:a9fe/128', // Oracle Cloud
  'fd00:42::42/128', // Scaleway
  'fe80::a9fe:a9fe/128', // the link-local form some OpenStack clouds serve
];

/** IPv6 prefixes that wrap an IPv4 address, and how many bits follow it. */
export const ipv4Wrappings: readonly { readonly prefix: string; readonly bitsAfter: bigint }[] = [
  { prefix: '::/96', bitsAfter: 0n }, // IPv4-compatible, RFC 4291
  { prefix: '::ffff:0:0/96', bitsAfter: 0n }, // IPv4-mapped, RFC 4291
  { prefix: '::ffff:0:0:0/96', bitsAfter: 0n }, // IPv4-translated, RFC 6145
  { prefix: '64:ff9b::/96', bitsAfter: 0n }, // NAT64, RFC 6052
  { prefix: '64:ff9b:1::/48', bitsAfter: 0n }, // NAT64 of a network's own, as a /96 of it, RFC 8215
  { prefix: '2002::/16', bitsAfter: 80n }, // 6to4, RFC 3056
];
