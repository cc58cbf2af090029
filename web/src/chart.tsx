import { barLength, microcreditsOf, shownAmount } from './amounts.ts';
import { Table } from './parts.tsx';

export interface Bar {
  readonly name: string;
  /** A decimal with at most six decimals that is not negative. */
  readonly amount: string;
  /** What else the table says of it. */
  readonly cells: readonly string[];
}

const WIDTH = 600;
const HEIGHT = 140;
/** So that one bar alone is no wall. */
const BAR_WIDTH_MAX = 60;

/** Bars, and the same in figures for whoever wants or needs them. `columns` are those of the table: name, amount, cells. */
export function Chart(props: {
  label: string;
  unit: string;
  columns: readonly string[];
  bars: readonly Bar[];
  /** Said when there is nothing to draw. */
  empty: string;
}) {
  const { label, unit, columns, bars, empty } = props;
  const drawn = bars.filter(({ amount, cells }) => amount !== '0' || cells.some(cell => cell !== '0'));
  if (drawn.length === 0) return <p className="quiet">{empty}</p>;
  const most = drawn.map(({ amount }) => microcreditsOf(amount)).reduce(larger);
  const step = Math.min(WIDTH / bars.length, BAR_WIDTH_MAX);
  return (
    <div className="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${label}: the table says the same`}>
        <line x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {bars.map(({ name, amount }, index) => {
          const height = barLength(amount, most, HEIGHT - 4);
          return (
            <rect
              key={name}
              x={index * step + 1}
              y={HEIGHT - height}
              width={Math.max(step - 2, 1)}
              height={height}
              rx="2"
            >
              <title>{`${name}: ${shownAmount(amount)} ${unit}`}</title>
            </rect>
          );
        })}
      </svg>
      <Table label={`${label}, in figures`} columns={columns}>
        {drawn.map(({ name, amount, cells }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{shownAmount(amount)}</td>
            {cells.map((cell, index) => (
              <td key={columns[index + 2]}>{cell}</td>
            ))}
          </tr>
        ))}
      </Table>
    </div>
  );
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
