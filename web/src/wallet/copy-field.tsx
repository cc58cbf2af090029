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
        <span>
          <code>{value}</code>
          {unit && ` ${unit}`}
        </span>
        <button type="button" onClick={copy}>
          {said ?? 'Copy'}
          <span className="visually-hidden"> {name.toLowerCase()}</span>
        </button>
      </dd>
    </div>
  );
}
