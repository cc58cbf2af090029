/** How many may ask how often, and what is logged of it, by the environment. */
import type { RateLimitConfig } from './rate-limits.ts';

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

type Get = (name: string) => string | undefined;

export function readDoorConfig(get: Get, problems: string[]): DoorConfig {
  const { rateLimits, requestsInFlightMax } = DEFAULT_DOORS;
  const perMinute = (name: string, preset: number) => readCount(name, get(name), preset, problems);
  return {
    rateLimits: {
      anonymous: perMinute('RATE_LIMIT_ANONYMOUS', rateLimits.anonymous),
      network: perMinute('RATE_LIMIT_NETWORK', rateLimits.network),
      key: perMinute('RATE_LIMIT_KEY', rateLimits.key),
      service: perMinute('RATE_LIMIT_SERVICE', rateLimits.service),
      failures: perMinute('RATE_LIMIT_FAILURES', rateLimits.failures),
    },
    requestsInFlightMax: readCount(
      'REQUESTS_IN_FLIGHT_MAX',
      get('REQUESTS_IN_FLIGHT_MAX'),
      requestsInFlightMax,
      problems,
    ),
    loggedRequests: readLoggedRequests(get('LOG_REQUESTS'), problems),
  };
}

const COUNT_MAX = 1_000_000_000;

function readCount(name: string, value: string | undefined, preset: number, problems: string[]): number {
  if (value === undefined) return preset;
  const count = /^[1-9]\d{0,9}$/.test(value) ? Number(value) : Number.NaN;
  if (count <= COUNT_MAX) return count;
  problems.push(`${name} is "${value}": set it to a whole number from 1 to ${COUNT_MAX}.`);
  return preset;
}

function readLoggedRequests(value: string | undefined, problems: string[]): DoorConfig['loggedRequests'] {
  if (value === undefined) return DEFAULT_DOORS.loggedRequests;
  const known = LOGGED_REQUESTS.find(one => one === value);
  if (known) return known;
  problems.push(`LOG_REQUESTS is "${value}": set it to ${LOGGED_REQUESTS.join(', ')}.`);
  return DEFAULT_DOORS.loggedRequests;
}
