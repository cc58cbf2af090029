import { useEffect, useState } from 'react';

/** Who comes back from Stripe's page is told how it went; the address is then an ordinary one again. */
export function useWelcomeBack(orderId: string | null): string | null {
  const [notice] = useState(() => noticeFor(new URLSearchParams(location.search), orderId));
  useEffect(() => {
    if (location.search !== '') history.replaceState(null, '', location.pathname);
  }, []);
  return notice;
}

function noticeFor(returned: URLSearchParams, orderId: string | null): string | null {
  const id = returned.get('order');
  if (id === null) return null;
  if (id !== orderId)
    return 'You are back from a payment of an order that was made in another tab or browser: go on there, where its secret is. The payment itself is safe.';
  if (returned.get('checkout') === 'cancelled')
    return 'You left the payment page: nothing was paid. Your order is kept, and you can go back to the payment page.';
  return null;
}
