import { useState } from 'react';

/** Something to be copied whole. */
export function CopyField({ name, value, unit }: { name: string; value: string; unit?: string }) {
  const [said, setSaid] = useState<string | null>(null);
  const copy = () =>
    void navigator.clipboard
      .writeText(value)
      .then(() => setSaid('Copied'))
      .catch(() => setSaid('Select and copy it by hand'));
  return (
    <div className="copy-field">
      <dt>{name}</dt>
      <dd>
        <code>{value}</code>
        {unit && ` ${unit}`}
      </dd>
      <button type="button" onClick={copy} aria-label={`Copy ${name.toLowerCase()}`}>
        {said ?? 'Copy'}
      </button>
    </div>
  );
}
