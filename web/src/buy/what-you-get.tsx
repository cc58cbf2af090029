import { creditsOfUsd, ethOfUsd, shownAmount } from '../amounts.ts';
import { utcTime } from '../instants.ts';
import type { EthPrice } from '../orders/order-api.ts';
import { useServerNowMs } from '../orders/server-clock.ts';
import type { PageSettings } from '../orders/settings.ts';
import { Time } from '../parts.tsx';
import { Help } from './help.tsx';
import { useEthPrice } from './page-queries.ts';

const DAY_MS = 86_400_000;
const LIFE_MS = 30 * DAY_MS;

/** What the buyer is told before paying. @param amount In dollars; null while it is none. */
export function WhatYouGet({ amount, methods }: { amount: string | null; methods: PageSettings['methods'] }) {
  const nowMs = useServerNowMs();
  const price = useEthPrice(methods.includes('eth'));
  const expiry = new Date(Math.floor(nowMs / 1000) * 1000 + LIFE_MS).toISOString();
  return (
    <>
      <dl className="figures">
        <div className="main-figure">
          <dt>You get</dt>
          <dd>
            <span data-testid="credits">{amount === null ? '–' : shownAmount(creditsOfUsd(amount))}</span>
            <small>credits, at 10,000 for a dollar</small>
          </dd>
        </div>
        {price.data && (
          <div>
            <dt>In ETH, about</dt>
            <dd>
              <span data-testid="eth">{amount === null ? '–' : ethOfUsd(amount, price.data.eth_usd)}</span>
              <small>
                <PriceSource price={price.data} nowMs={nowMs} />
              </small>
            </dd>
          </div>
        )}
      </dl>
      {price.error && (
        <p className="problem">
          {price.error.message}
          {methods.includes('card') ? ' Paying by card does not need it.' : ''}
        </p>
      )}
      <ul className="promises">
        <li>
          <strong>Usable at once</strong>, as soon as the payment is credited.
        </li>
        <li>
          <strong>Renewed every day</strong> at 00:00 UTC ({midnightHere(nowMs)} where you are): what you used
          of them is there again.
        </li>
        <li>
          <strong>Until the instant 30 days after the payment</strong>: paid now,{' '}
          <time dateTime={expiry} data-testid="expiry">
            {utcTime(expiry)}
          </time>{' '}
          (<Time at={expiry} /> where you are). Whatever is left then lapses.
        </li>
      </ul>
      <Help title="How do daily credits work?">
        <p>
          Each payment is a lot of its own. With{' '}
          {amount === null ? 'some' : shownAmount(creditsOfUsd(amount))} credits you can spend up to that many
          each day; at midnight UTC the lot is full again, for 30 days. Credits do not add up from one day to
          the next. Of several lots the one that ends first is spent first.
        </p>
      </Help>
    </>
  );
}

function PriceSource({ price, nowMs }: { price: EthPrice; nowMs: number }) {
  const ageSeconds = Math.max(0, Math.floor((nowMs - Date.parse(price.updated_at)) / 1000));
  return (
    <>
      ${shownAmount(price.eth_usd)} per ETH, {price.source},{' '}
      <span data-testid="price-age">{age(ageSeconds)}</span>
    </>
  );
}

function age(seconds: number): string {
  return seconds < 120 ? `${seconds} s old` : `${Math.floor(seconds / 60)} min old`;
}

/** When it is midnight in UTC, as the reader's clock has it. */
function midnightHere(nowMs: number): string {
  const midnight = new Date((Math.floor(nowMs / DAY_MS) + 1) * DAY_MS);
  return new Intl.DateTimeFormat(undefined, { timeStyle: 'short' }).format(midnight);
}
