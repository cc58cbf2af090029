-- What operators look at first: the newest payments. Those of the chain have such an index already.
create index card_payments_by_decision on card_payments (decided_at);
