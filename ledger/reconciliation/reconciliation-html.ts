/**
 * A reconciliation as one HTML file that needs nothing else: no script, no font, no request. Whoever has it can find every
 * figure again, as it says where each is from.
 */
import { decimalText } from '../core/decimal-text.ts';
import { instantText } from '../store/instant-text.ts';
import { DAILY_QUERY } from './daily-figures.ts';
import type { Difference } from './difference.ts';
import { escaped } from './escaped.ts';
import type { Figure, PartOutcome } from './part-outcome.ts';
import type { Reconciliation } from './reconcile.ts';
import { partsOf } from './reconciliation-csv.ts';
import { type Series, svgChart } from './svg-chart.ts';

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --s0: #2563eb; --s1: #d97706; --bad: #b91c1c; --good: #15803d; }
@media (prefers-color-scheme: dark) { :root { --s0: #60a5fa; --s1: #fbbf24; --bad: #f87171; --good: #4ade80; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; font-size: 13px; } .wide { overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; min-width: 4.5rem; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.bad { color: var(--bad); } .good { color: var(--good); }
figure { margin: 1.5rem 0; } svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: currentColor; }
.grid { stroke: var(--line); } rect.s0 { fill: var(--s0); } rect.s1 { fill: var(--s1); }
polyline { fill: none; stroke-width: 2; } polyline.s0 { stroke: var(--s0); } polyline.s1 { stroke: var(--s1); }
.key { margin-left: .8rem; font-size: 13px; } .key.s0 { color: var(--s0); } .key.s1 { color: var(--s1); }
pre { overflow-x: auto; font-size: 12px; }`;

/** The page. Everything in it that came from outside is escaped. */
export function reconciliationHtml(made: Reconciliation): string {
  const { differences, installation } = made;
  const verdict =
    differences.length === 0
      ? '<strong class="good">No difference.</strong>'
      : `<strong class="bad">${differences.length} ${differences.length === 1 ? 'difference' : 'differences'}.</strong>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Reconciliation as of ${instantText(made.at)}</title>
<style>${STYLE}
</style></head><body>
<h1>Reconciliation as of ${instantText(made.at)}</h1>
<p>${verdict} Chain ${installation.chainId}, payment address ${escaped(installation.paymentAddress)}, ${escaped(installation.mode)}.</p>
${statusTable(made)}
<h2>Differences</h2>
${differencesTable(differences)}
<h2>On the way</h2>
${inFlightTable(made)}
<h2>By day</h2>
${chartsOf(made).join('\n')}
<h2>Trial balance</h2>
${trialBalanceTable(made)}
<h2>How each figure was obtained</h2>
${partsOf(made)
  .map(([part, outcome]) => `<h3>${part}</h3>${figuresTable(outcome)}`)
  .join('\n')}
<h3>charts</h3>
<p>Deferred and recognised revenue are computed lot by lot from the postings of USD:deferred_revenue and the lot's life
(<code>npx credits report</code>); the other charts are this query, with $1 = ${instantText(made.at)}:</p>
<pre>${escaped(DAILY_QUERY.trim())}</pre>
</body></html>
`;
}

function statusTable(made: Reconciliation): string {
  return table(
    ['part', 'status'],
    partsOf(made).map(([part, outcome]) => {
      if (outcome.status === 'not_compared') return [part, `not compared: ${outcome.why}`];
      const count = outcome.differences.length;
      return [
        part,
        count === 0
          ? 'compared, no difference'
          : `compared, ${count === 1 ? '1 difference' : `${count} differences`}`,
      ];
    }),
  );
}

function differencesTable(differences: readonly Difference[]): string {
  if (differences.length === 0) return '<p>None.</p>';
  return table(
    ['part', 'receipt or entry', 'what', 'expected', 'found', 'likely cause'],
    differences.map(({ part, receipt, entry, what, expected, found, cause }) => [
      part,
      [receipt, entry].filter(Boolean).join(' · '),
      ...[what, expected, found, cause],
    ]),
  );
}

function inFlightTable({ inFlight }: Reconciliation): string {
  if (inFlight.length === 0) return "<p>Nothing: all that is decided is in customers' books.</p>";
  return table(
    ['receipt', 'what', 'account', 'USD', 'decided at'],
    inFlight.map(({ receipt, kind, account, amountMicrousd, decidedAt }) => [
      ...[receipt, kind, account, decimalText(amountMicrousd, 'USD'), instantText(decidedAt)],
    ]),
  );
}

function trialBalanceTable({ report }: Reconciliation): string {
  const rows = report.trialBalance.map(({ account, balance }) => {
    const asset = account.slice(0, account.indexOf(':'));
    return [account, `${decimalText(balance, asset)} ${asset}`];
  });
  return table(['account', 'debits less credits'], rows);
}

function figuresTable(outcome: PartOutcome): string {
  if (outcome.status === 'not_compared') return `<p>Not compared: ${escaped(outcome.why)}.</p>`;
  return table(
    ['figure', 'value', 'how'],
    outcome.figures.map(({ what, how, ...value }) => [what, valueText(value), how]),
  );
}

function valueText({ unit, value }: Pick<Figure, 'unit' | 'value'>): string {
  if (unit === 'wei') return `${decimalText(BigInt(value), 'ETH')} ETH`;
  if (unit === 'microusd') return `${decimalText(BigInt(value), 'USD')} USD`;
  return unit === 'microcredits' ? `${decimalText(BigInt(value), 'CREDIT')} CREDIT` : value;
}

function chartsOf({ days, report }: Reconciliation): string[] {
  const first = days[0];
  if (!first) return ['<p>Nothing was booked yet.</p>'];
  const deferred = new Map(report.days.map(day => [day.day, day]));
  let lastDeferred = 0n;
  const deferredByDay = days.map(({ day }) => {
    lastDeferred = deferred.get(day)?.deferred ?? lastDeferred;
    return lastDeferred;
  });
  const chart = (title: string, unit: string, kind: 'bars' | 'lines', series: readonly Series[]) =>
    svgChart({ title, unit, kind, series, firstDay: first.day });
  return [
    chart('Receipts', 'USD', 'bars', [
      { name: 'ETH', values: days.map(day => shown(day.chainMicrousd)) },
      { name: 'card', values: days.map(day => shown(day.cardMicrousd)) },
    ]),
    chart('Liability: what customers can still use', 'USD', 'lines', [
      { name: 'usable', values: days.map(day => shown(day.liabilityMicrousd)) },
    ]),
    chart('Breakage', 'credits', 'bars', [
      { name: 'lapsed', values: days.map(day => shown(day.breakageMicrocredits)) },
    ]),
    chart('Deferred revenue', 'USD', 'lines', [{ name: 'deferred', values: deferredByDay.map(shown) }]),
    chart('Lag: from a payment to its being noticed', 'seconds', 'lines', [
      { name: 'average', values: days.map(day => shown(day.lagAverage)) },
      { name: 'longest', values: days.map(day => shown(day.lagMax)) },
    ]),
  ];
}

/** Millionths as a number, for a chart and nothing else. */
function shown(millionths: bigint): number {
  return Number(millionths) / 1e6;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: 'th' | 'td') =>
    `<tr>${cells.map(cell => `<${tag}${isAmount(cell) ? ' class="n"' : ''}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table>${row(head, 'th')}${rows.map(cells => row(cells, 'td')).join('')}</table></div>`;
}

function isAmount(cell: string): boolean {
  return /^-?\d+(\.\d+)?( [A-Z]+)?$/.test(cell);
}
