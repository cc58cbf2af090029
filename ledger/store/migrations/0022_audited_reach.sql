-- How far the chain is taken in and compared: an auditor asks no more of the books than they can know.
grant select on chain_progress, balance_progress to credits_auditor;
