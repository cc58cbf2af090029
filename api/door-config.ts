/** How many may ask how often, and what is logged of it, by the environment. */
import type { RateLimitConfig } from './rate-limits.ts';
import { readInteger } from './read-integer.ts';

export const LOGGED_REQUESTS = ['all', 'problems', 'none'] as const;

export interface DoorConfig {
  readonly rateLimits: RateLimitConfig;
  /** So many requests are worked on at a time; more are turned away. */
  readonly requestsInFlightMax: number;
  /** Of which requests the log has a line: of all, of those that were declined, or of none. */
  readonly loggedRequests: (typeof LOGGED_REQUESTS)[number];
}

export const DEFAULT_DOORS: DoorConfig = {
  rateLimits: { anonymous: 30, network: 600, key: 600, service: 600_000, failures: 20 },
  requestsInFlightMax: 5_000,
  loggedRequests: 'all',
};

const COUNT_MAX = 1_000_000_000;

type Get = (name: string) => string | undefined;

export function readDoorConfig(get: Get, problems: string[]): DoorConfig {
  const { rateLimits, requestsInFlightMax } = DEFAULT_DOORS;
  const read = (name: string, preset: number) =>
    readInteger(name, get(name), preset, { min: 1, max: COUNT_MAX }, problems);
  return {
    rateLimits: {
      anonymous: read('RATE_LIMIT_ANONYMOUS', rateLimits.anonymous),
      network: read('RATE_LIMIT_NETWORK', rateLimits.network),
      key: read('RATE_LIMIT_KEY', rateLimits.key),
      service: read('RATE_LIMIT_SERVICE', rateLimits.service),
      failures: read('RATE_LIMIT_FAILURES', rateLimits.failures),
    },
    requestsInFlightMax: read('REQUESTS_IN_FLIGHT_MAX', requestsInFlightMax),
    loggedRequests: readLoggedRequests(get('LOG_REQUESTS'), problems),
  };
}

function readLoggedRequests(value: string | undefined, problems: string[]): DoorConfig['loggedRequests'] {
  if (value === undefined) return DEFAULT_DOORS.loggedRequests;
  const known = LOGGED_REQUESTS.find(one => one === value);
  if (known) return known;
  problems.push(`LOG_REQUESTS is "${value}": set it to ${LOGGED_REQUESTS.join(', ')}.`);
  return DEFAULT_DOORS.loggedRequests;
}
