/**
 * Host names and ports that a receiver on the public Internet does not have. Names are compared without case and
 * without the trailing dot. Sources: IANA special-use domain names, ICANN's reserved and colliding names (home, corp,
 * mail, internal), the Fetch standard's bad ports, and the default ports of data stores and cluster control planes.
 */

/** Why a name is refused, which decides what allows it. */
export type HostNameRule = 'loopback' | 'private' | 'never' | 'single_label';

/** Names of this machine: allowed where a loopback range is. */
const loopbackNames = new Set(['localhost', 'localhost.localdomain', 'ip6-localhost', 'ip6-loopback']);
const loopbackSuffixes = ['localhost'];

/** Names that only a private network has: allowed where a private range is. */
const privateNames = new Set(['host.docker.internal', 'gateway.docker.internal', 'kubernetes.docker.internal']);
const privateSuffixes = [
  'local',
  'localdomain',
  'internal',
  'intranet',
  'lan',
  'home',
  'corp',
  'private',
  'home.arpa',
  'test',
  'svc',
  'cluster.local',
];

/** Metadata services and control planes, and suffixes that no receiver can have. */
const neverNames = new Set([
  'metadata',
  'instance-data',
  'rancher-metadata',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.tencentyun.com',
  'instance-data.ec2.internal',
  'metadata.amazonaws.com',
]);
const neverSuffixes = ['arpa', 'example', 'invalid', 'onion', 'alt'];

/** Ports of services that are not HTTP, and of data stores and control planes that are. */
const deniedPorts = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306,
  3659, 4045, 4190, 5060, 5061, 5432, 6000, 6379, 6380, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9042, 9092,
  9200, 9300, 10080, 10250, 10255, 11211, 27017,
]);

/** Whether no webhook may use the port. */
export function isDeniedPort(port: number): boolean {
  return deniedPorts.has(port);
}

/** Whether the text is a DNS name: labels of 1 to 63 letters, digits, `-` and `_`, 253 characters in all. */
export function isDnsName(name: string): boolean {
  return name.length <= 253 && name.split('.').every(label => /^[a-z0-9_-]{1,63}$/i.test(label));
}

/** The rule that refuses a name by default, or null for a name of the public DNS. */
export function hostNameRule(name: string): HostNameRule | null {
  if (neverNames.has(name)) return 'never';
  if (loopbackNames.has(name) || endsInAny(name, loopbackSuffixes)) return 'loopback';
  if (privateNames.has(name) || endsInAny(name, privateSuffixes)) return 'private';
  if (endsInAny(name, neverSuffixes)) return 'never';
  return name.includes('.') ? null : 'single_label';
}

function endsInAny(name: string, suffixes: readonly string[]): boolean {
  return suffixes.some(suffix => name === suffix || name.endsWith(`.${suffix}`));
}
