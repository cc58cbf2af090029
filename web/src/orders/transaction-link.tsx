/** A transaction by its hash; on the local chain there is nobody to show it. */
export function TransactionLink({ hash, isDevelopment }: { hash: string; isDevelopment: boolean }) {
  if (isDevelopment) return <code>{hash}</code>;
  return (
    <a href={`https://basescan.org/tx/${hash}`} target="_blank" rel="noopener noreferrer">
      <code>{hash}</code>
    </a>
  );
}
