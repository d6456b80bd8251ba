export interface LibzmqAdvisory {
  readonly id: string;
  /** First version of libzmq without the flaw. */
  readonly fixedIn: string;
}

/** Flaws of libzmq that have a CVE number and are fixed, from https://github.com/zeromq/libzmq/security/advisories. */
const ADVISORIES: readonly LibzmqAdvisory[] = [
  { id: 'CVE-2019-6250', fixedIn: '4.3.1' },
  { id: 'CVE-2019-13132', fixedIn: '4.3.2' },
  { id: 'CVE-2020-15166', fixedIn: '4.3.3' },
  { id: 'CVE-2020-36400', fixedIn: '4.3.3' },
  { id: 'CVE-2021-20234', fixedIn: '4.3.3' },
  { id: 'CVE-2021-20235', fixedIn: '4.3.3' },
  { id: 'CVE-2021-20236', fixedIn: '4.3.3' },
  { id: 'CVE-2021-20237', fixedIn: '4.3.3' },
];

type Version = readonly [number, number, number];

/** Whether a version of libzmq is written so that {@link advisoriesFor} can tell: `major.minor.patch`. */
export function isKnownVersion(version: string): boolean {
  return parse(version) !== undefined;
}

/** Published flaws that a version of libzmq has; none for a text that is no version. */
export function advisoriesFor(version: string): readonly LibzmqAdvisory[] {
  const parsed = parse(version);
  return parsed === undefined ? [] : ADVISORIES.filter(({ fixedIn }) => isOlder(parsed, parse(fixedIn)));
}

function parse(version: string): Version | undefined {
  const match = /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})$/.exec(version);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
}

function isOlder(version: Version, other: Version | undefined): boolean {
  if (other === undefined) {
    return false;
  }
  const at = version.findIndex((part, index) => part !== other[index]);
  return at >= 0 && (version[at] ?? 0) < (other[at] ?? 0);
}
