/** Charts for a report that is read without scripts, drawn by hand: bars or lines by day. */
import { DAY, type Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import { escaped } from './escaped.ts';

export interface Series {
  readonly name: string;
  /** One for each day, for display only. */
  readonly values: readonly number[];
}

export interface Chart {
  readonly title: string;
  /** What the numbers are, such as USD. */
  readonly unit: string;
  readonly kind: 'bars' | 'lines';
  /** 00:00:00 UTC of the first. */
  readonly firstDay: Instant;
  /** Bars are stacked in this order. */
  readonly series: readonly Series[];
}

const [WIDTH, HEIGHT] = [720, 200];
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 8, 12, 24];

/** A figure with its caption, its legend and the chart, which says in words what it shows. */
export function svgChart(chart: Chart): string {
  const { title, unit, series, firstDay } = chart;
  const count = series[0]?.values.length ?? 0;
  const top = niceTop(Math.max(0, ...columnsOf(chart)));
  const legend = series.map(({ name }, index) => `<span class="key s${index}">${escaped(name)}</span>`);
  const marks = chart.kind === 'bars' ? barsOf(chart, top) : linesOf(chart, top);
  const ticks = [0, 0.5, 1].map(part => {
    const y = yOf(part * top, top);
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/><text x="${LEFT - 6}" y="${y + 4}" text-anchor="end">${numberText(part * top)}</text>`;
  });
  const days = [...new Set([0, Math.floor((count - 1) / 2), count - 1])].filter(day => day >= 0);
  const dates = days.map(
    day =>
      `<text x="${xOf(day + 0.5, count).toFixed(1)}" y="${HEIGHT - 6}" text-anchor="${anchorOf(day, count)}">${dayText(firstDay, day)}</text>`,
  );
  return `<figure><figcaption>${escaped(title)} <small>${escaped(unit)}</small> ${legend.join(' ')}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(`${title} in ${unit} by day`)}">
${ticks.join('')}${marks.join('')}${dates.join('')}
</svg></figure>`;
}

/** The dates at both ends stay within the chart. */
function anchorOf(day: number, count: number): string {
  if (day === 0) return 'start';
  return day === count - 1 ? 'end' : 'middle';
}

/** What each day comes to: stacked bars are added up. */
function columnsOf({ series, kind }: Chart): number[] {
  if (kind === 'lines') return series.flatMap(({ values }) => values);
  return (series[0]?.values ?? []).map((_, day) =>
    series.reduce((sum, { values }) => sum + Math.max(0, values[day] ?? 0), 0),
  );
}

function barsOf({ series, firstDay, unit }: Chart, top: number): string[] {
  const count = series[0]?.values.length ?? 0;
  const below = new Array<number>(count).fill(0);
  return series.flatMap(({ name, values }, index) =>
    values.flatMap((value, day) => {
      if (value <= 0) return [];
      const [bottom, height] = [yOf(below[day] ?? 0, top), (value / top) * (HEIGHT - TOP - BOTTOM)];
      below[day] = (below[day] ?? 0) + value;
      const [x, next] = [xOf(day + 0.1, count), xOf(day + 0.9, count)];
      const says = `${dayText(firstDay, day)}: ${name} ${numberText(value)} ${unit}`;
      return `<rect class="s${index}" x="${x.toFixed(1)}" y="${(bottom - height).toFixed(1)}" width="${Math.max(0.5, next - x).toFixed(1)}" height="${height.toFixed(1)}"><title>${escaped(says)}</title></rect>`;
    }),
  );
}

function linesOf({ series }: Chart, top: number): string[] {
  return series.map(({ values }, index) => {
    const points = values.map(
      (value, day) => `${xOf(day + 0.5, values.length).toFixed(1)},${yOf(value, top).toFixed(1)}`,
    );
    return `<polyline class="s${index}" points="${points.join(' ')}"/>`;
  });
}

function xOf(day: number, count: number): number {
  return LEFT + (day / Math.max(1, count)) * (WIDTH - LEFT - RIGHT);
}

function yOf(value: number, top: number): number {
  return HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
}

/** The next 1, 2 or 5 with zeros that is not below. */
function niceTop(most: number): number {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map(step => step * power).find(top => top >= most) ?? most;
}

function numberText(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : 0 });
}

function dayText(firstDay: Instant, day: number): string {
  return instantText(firstDay + BigInt(day) * DAY).slice(0, 10);
}
