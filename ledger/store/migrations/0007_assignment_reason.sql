-- Why a person assigned a payment out of suspense. Whoever sent it need not say; an operator must.
alter table assignments
  add column reason text check (reason <> ''),
  add check (matched_by <> 'operator' or reason is not null);

-- An account that has neither a book nor a key yet is known by its order.
create index orders_by_account on orders (account_id);
