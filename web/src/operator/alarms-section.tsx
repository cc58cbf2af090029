import { useQuery } from '@tanstack/react-query';
import { Asked, Section, Time } from '../parts.tsx';
import type { Alarm } from './answers.ts';
import { REFRESH_MS, useOperatorApi } from './operator.ts';

export function AlarmsSection() {
  const api = useOperatorApi();
  const query = useQuery({
    queryKey: ['alarms'],
    queryFn: () => api.get<{ alarms: readonly Alarm[] }>('/v1/operator/alarms'),
    refetchInterval: REFRESH_MS,
  });
  const alarms = query.data?.alarms ?? [];
  return (
    <Section title="Alarms">
      <Asked query={query}>
        {alarms.length === 0 && <p className="good">Nothing needs a person.</p>}
        {alarms.map(alarm => (
          <article key={`${alarm.kind} ${alarm.subject}`}>
            <h3>{alarm.message}</h3>
            <p>{alarm.advice}</p>
            <p className="quiet">
              <code>{alarm.kind}</code> of <code>{alarm.subject}</code>, since <Time at={alarm.raised_at} />
            </p>
          </article>
        ))}
      </Asked>
    </Section>
  );
}
