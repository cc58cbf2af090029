import encodeQR from 'qr';
import { useMemo } from 'react';

/** Dark on light in every colour scheme, as readers expect it, with the quiet margin around it. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const rows = useMemo(() => encodeQR(text, 'raw', { border: 3 }), [text]);
  const path = rows
    .flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : [])))
    .join('');
  return (
    <svg className="qr-code" role="img" aria-label={label} viewBox={`0 0 ${rows.length} ${rows.length}`}>
      <rect className="qr-light" width={rows.length} height={rows.length} />
      <path className="qr-dark" d={path} shapeRendering="crispEdges" />
    </svg>
  );
}
