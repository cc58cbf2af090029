import { useQuery } from '@tanstack/react-query';
import type { Overview } from './answers.ts';
import { REFRESH_MS, useOperatorApi } from './operator.ts';

export function useOverview() {
  const api = useOperatorApi();
  return useQuery({
    queryKey: ['overview'],
    queryFn: () => api.get<Overview>('/v1/operator/overview'),
    refetchInterval: REFRESH_MS,
  });
}
