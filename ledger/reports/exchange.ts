/** What taking ETH at a price has come to. */
import type pg from 'pg';
import { microusdOfWei } from '../core/amount.ts';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';

export interface ExchangeResult {
  /** Taken for credits: −ETH:trading. */
  readonly acquiredWei: bigint;
  /** What was credited for it: USD:trading. */
  readonly creditedMicrousd: bigint;
  /** What it was worth by the feed's price of each payment, without the prices that orders had promised. */
  readonly atBlockPriceMicrousd: bigint;
  /** What it is worth by the price that was recorded last; null while there is none. */
  readonly atLastPriceMicrousd: bigint | null;
  readonly lastPrice: RecordedPrice | null;
  /** What its owner sent away, and what that was worth by the price that was recorded last before each withdrawal. */
  readonly withdrawnWei: bigint;
  readonly withdrawnMicrousd: bigint;
}

export interface RecordedPrice {
  readonly receiptId: string;
  /** Dollars for an ETH with 8 decimals. */
  readonly answer: bigint;
  readonly decidedAt: Instant;
}

/** As of `at`. `balances` are those of the trial balance at that instant. */
export async function readExchange(
  client: pg.ClientBase,
  balanceOf: (account: string) => bigint,
  at: Instant,
): Promise<ExchangeResult> {
  const acquiredWei = -balanceOf('ETH:trading');
  const lastPrice = await readLastPrice(client, at);
  const withdrawn = await readWithdrawn(client, at);
  return {
    acquiredWei,
    creditedMicrousd: balanceOf('USD:trading'),
    atBlockPriceMicrousd: await readValueAtBlocks(client, at),
    atLastPriceMicrousd: lastPrice && microusdOfWei(acquiredWei, lastPrice.answer),
    lastPrice,
    ...withdrawn,
  };
}

async function readLastPrice(client: pg.ClientBase, at: Instant): Promise<RecordedPrice | null> {
  const { rows } = await client.query<{ receipt_id: string; answer: bigint; decided_at: Instant }>(
    `select receipt_id, answer, decided_at from price_records where decided_at <= $1::timestamptz
     order by decided_at desc, bucket desc, receipt_id desc, version desc limit 1`,
    [instantText(at)],
  );
  const [row] = rows;
  return row ? { receiptId: row.receipt_id, answer: row.answer, decidedAt: row.decided_at } : null;
}

/** Of the inclusions whose exchange is booked and not reversed by then, floor(wei × answer / 10^20) each. */
async function readValueAtBlocks(client: pg.ClientBase, at: Instant): Promise<bigint> {
  const { rows } = await client.query<{ value: bigint }>(
    `select coalesce(sum(case e.kind when 'assignment' then v.value else -v.value end), 0) as value
     from entries e
     join receipt_inclusions i on i.bucket = e.bucket and i.receipt_id = e.details::json ->> 'receipt'
       and i.version = (e.details::json ->> 'version')::int
     join price_records p on p.bucket = i.bucket and p.receipt_id = i.receipt_id and p.version = i.version
     cross join lateral (select div(i.amount_wei * p.answer, 100000000000000000000) as value) v
     where e.account_id = 0 and e.kind in ('assignment', 'assignment_reversal') and e.booked_at <= $1::timestamptz`,
    [instantText(at)],
  );
  return rows[0]?.value ?? 0n;
}

async function readWithdrawn(
  client: pg.ClientBase,
  at: Instant,
): Promise<Pick<ExchangeResult, 'withdrawnWei' | 'withdrawnMicrousd'>> {
  const { rows } = await client.query<{ wei: bigint; value: bigint }>(
    `select coalesce(sum(w.amount_wei), 0) as wei,
       coalesce(sum(div(w.amount_wei * coalesce(p.answer, 0), 100000000000000000000)), 0) as value
     from withdrawals w
     left join lateral (
       select p.answer from price_records p where p.decided_at <= w.block_at
       order by p.decided_at desc, p.bucket desc, p.receipt_id desc, p.version desc limit 1) p on true
     where w.noticed_at <= $1::timestamptz`,
    [instantText(at)],
  );
  return { withdrawnWei: rows[0]?.wei ?? 0n, withdrawnMicrousd: rows[0]?.value ?? 0n };
}
