import { useCallback, useEffect, useState } from 'react';
import type { ApiProblem } from '../api.ts';
import type { OrderStatus } from './order.ts';
import { forgetStoredOrder, readStoredOrder, type StoredOrder, storeOrder } from './stored-order.ts';
import { watchOrder } from './watch-order.ts';

export interface CurrentOrder {
  /** The order that this tab is in. */
  readonly order: StoredOrder | null;
  /** As its event stream last told it; null before it has. */
  readonly status: OrderStatus | null;
  /** What keeps the status from being renewed. */
  readonly problem: ApiProblem | null;
  /** Goes on with another order, which a reload keeps. */
  begin(order: StoredOrder): void;
  /** Keeps what the wallet said that it had sent. */
  noteSent(transactionHash: string): void;
  /** With its secret. */
  forget(): void;
}

/** The order of this tab, watched. */
export function useOrder(): CurrentOrder {
  const [order, setOrder] = useState(readStoredOrder);
  const [status, setStatus] = useState<OrderStatus | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const { id, secret } = order ?? {};
  useEffect(() => {
    setStatus(null);
    setProblem(null);
    if (id === undefined || secret === undefined) return;
    return watchOrder(
      { id, secret },
      {
        onStatus: told => {
          setStatus(told);
          setProblem(null);
        },
        onProblem: setProblem,
      },
    );
  }, [id, secret]);
  const begin = useCallback((next: StoredOrder) => {
    storeOrder(next);
    setOrder(next);
  }, []);
  const noteSent = useCallback((transactionHash: string) => {
    const kept = readStoredOrder();
    if (kept?.method !== 'eth') return;
    const next = { ...kept, sent_transaction: transactionHash };
    storeOrder(next);
    setOrder(next);
  }, []);
  const forget = useCallback(() => {
    forgetStoredOrder();
    setOrder(null);
  }, []);
  return { order, status, problem, begin, noteSent, forget };
}
