import { useCallback, useEffect, useState } from 'react';
import type { ApiProblem } from '../api.ts';
import type { OrderStatus } from './order.ts';
import {
  forgetStoredOrder,
  readEarlierOrders,
  readStoredOrder,
  type StoredOrder,
  storeEarlierOrders,
  storeOrder,
} from './stored-order.ts';
import { watchOrder } from './watch-order.ts';

export interface CurrentOrder {
  /** The order that this tab is in. */
  readonly order: StoredOrder | null;
  /** As its event stream last told it; null before it has. */
  readonly status: OrderStatus | null;
  /** What keeps the status from being renewed. */
  readonly problem: ApiProblem | null;
  /** Those that were set aside, with their secrets, the newest first. */
  readonly earlier: readonly StoredOrder[];
  /** Goes on with another order, which a reload keeps; the one before is set aside. */
  begin(order: StoredOrder): void;
  /** Keeps what the wallet said that it had sent for this or an earlier order; null: nothing came of it. */
  noteSent(orderId: string, transactionHash: string | null): void;
  /** Goes on without an order: this one can be gone on with later. */
  setAside(): void;
  /** Of the current order or one that was set aside, with its secret. */
  forget(id: string): void;
}

/** The order of this tab, watched. */
export function useOrder(): CurrentOrder {
  const [order, setOrder] = useState(readStoredOrder);
  const [earlier, setEarlier] = useState(readEarlierOrders);
  const { status, problem } = useOrderStatus(order);

  const keepEarlier = useCallback((orders: readonly StoredOrder[]) => {
    storeEarlierOrders(orders);
    setEarlier(orders);
  }, []);
  const setAside = useCallback(() => {
    const current = readStoredOrder();
    if (current) keepEarlier([current, ...readEarlierOrders().filter(({ id }) => id !== current.id)]);
    forgetStoredOrder();
    setOrder(null);
  }, [keepEarlier]);
  const begin = useCallback(
    (next: StoredOrder) => {
      if (readStoredOrder()?.id !== next.id) setAside();
      keepEarlier(readEarlierOrders().filter(({ id }) => id !== next.id));
      storeOrder(next);
      setOrder(next);
    },
    [keepEarlier, setAside],
  );
  const noteSent = useCallback(
    (orderId: string, transactionHash: string | null) => {
      const noted = (kept: StoredOrder) => (kept.id === orderId ? withSent(kept, transactionHash) : kept);
      keepEarlier(readEarlierOrders().map(noted));
      const kept = readStoredOrder();
      if (kept?.id !== orderId) return;
      const next = noted(kept);
      storeOrder(next);
      setOrder(next);
    },
    [keepEarlier],
  );
  const forget = useCallback(
    (id: string) => {
      keepEarlier(readEarlierOrders().filter(other => other.id !== id));
      if (readStoredOrder()?.id !== id) return;
      forgetStoredOrder();
      setOrder(null);
    },
    [keepEarlier],
  );
  return { order, status, problem, earlier, begin, noteSent, setAside, forget };
}

function withSent(kept: StoredOrder, transactionHash: string | null): StoredOrder {
  if (kept.method !== 'eth') return kept;
  const { sent_transaction: _before, ...order } = kept;
  return transactionHash === null ? order : { ...order, sent_transaction: transactionHash };
}

/** Where an order stands, as its event stream tells it. */
export function useOrderStatus(order: StoredOrder | null): Pick<CurrentOrder, 'status' | 'problem'> {
  const { id, secret } = order ?? {};
  const [told, setTold] = useState<{ id: string; status: OrderStatus } | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  useEffect(() => {
    setProblem(null);
    if (id === undefined || secret === undefined) return;
    return watchOrder(
      { id, secret },
      {
        onStatus: status => {
          setTold({ id, status });
          setProblem(null);
        },
        onProblem: setProblem,
      },
    );
  }, [id, secret]);
  // Not what was told of the order before.
  return { status: told !== null && told.id === id ? told.status : null, problem };
}
