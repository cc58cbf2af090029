/**
 * What an archive has of each table. A table that is in none of these lists fails a test: whoever adds one decides
 * whether it can be made again.
 */

/** Copied row by row, in an order in which each finds what it refers to. */
export const COPIED_TABLES = [
  'services',
  'access_tokens',
  'secure_keys',
  'account_keys',
  'grants',
  'spending_limits',
  'wallet_proofs',
  'wallet_links',
  'rate_cards',
  // Orders and what was promised to them.
  'orders',
  'order_references',
  'order_checkouts',
  'unique_amounts',
  'unique_amount_requests',
  // What the chain and Stripe said, and what was decided about it.
  'receipts',
  'receipt_inclusions',
  'assignments',
  'suspense_reasons',
  'price_records',
  'head_sightings',
  'sent_transactions',
  'withdrawals',
  'balance_checks',
  'balance_differences',
  'card_payments',
  'stripe_account',
  'stripe_events',
  'outbox',
  // How far the worker has come: behind it nothing is looked at again.
  'chain_progress',
  'balance_progress',
  'sweep_progress',
  'stripe_progress',
  'stripe_hints',
  'alarms',
  'webhook_endpoints',
  'webhook_secrets',
  'webhook_deliveries',
  'webhook_attempt_counts',
  // What was signed, once and for good.
  'seals',
  'sealed_heads',
  'seal_fence',
] as const;

/** Made again from the copied tables and the commands. */
export const REPLAYED_TABLES = [
  'books',
  'entries',
  'postings',
  'lots',
  'lot_faces',
  'holds',
  'reversals',
] as const;

/** Made by the installation itself. */
export const INSTALLED_TABLES = [
  'installation',
  'ledger_accounts',
  // Challenges that wallets sign last ten minutes: a new secret ends those that are open.
  'challenge_secret',
  // Sessions of browsers last twelve hours: whoever is signed in signs in again.
  'browser_sessions',
  'kysely_migration',
  'kysely_migration_lock',
] as const;

export const ARCHIVE_VERSION = 'aispace-credits/archive/1';
