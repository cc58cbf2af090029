/** The columns of the ledger's tables as TypeScript reads them; migrations/*.sql is their definition. */
import type { ColumnType, Generated } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { EntryKind } from '../core/journal.ts';
import type { RenewalPolicy } from '../core/lot.ts';
import type { UsageUnit } from '../core/rate-card.ts';
import type { LimitPeriod } from '../core/spending-limit.ts';
import type { SuspenseReason } from '../core/suspense-reason.ts';
import type { LinkEvent } from '../core/wallet-link.ts';

/** Read as microseconds, written as text (see instant-text.ts). */
type Timestamp = ColumnType<Instant, string, string>;
/** The database's clock when left out. */
type GeneratedTimestamp = ColumnType<Instant, string | undefined, never>;
type OptionalTimestamp = ColumnType<Instant | null, string | null, string | null>;

export interface InstallationTable {
  mode: 'dev' | 'live';
  bucket_count: number;
  chain_id: number;
  genesis_hash: string;
  payment_address: string;
  created_at: Generated<Instant>;
}

export interface BookTable {
  bucket: number;
  account_id: bigint;
  seq: bigint;
  head: Uint8Array;
  booked_at: Timestamp;
  debt_microcredits: bigint;
  /** Changed by those who set limits alone. */
  has_limits: Generated<boolean>;
}

export interface LotTable {
  bucket: number;
  account_id: bigint;
  lot_id: bigint;
  added_at: Timestamp;
  expires_at: Timestamp;
  policy: RenewalPolicy;
  face_microcredits: bigint;
  available_microcredits: bigint;
  held_microcredits: bigint;
  unreleased_microcredits: bigint;
  settled_microcredits: bigint;
  paid_microusd: bigint;
  returned_microusd: bigint;
  deferred_microusd: bigint;
  deferred_at: Timestamp;
  debt_microcredits: bigint;
  restores_lot_id: bigint | null;
  open: boolean;
}

export interface LotFaceTable {
  bucket: number;
  account_id: bigint;
  lot_id: bigint;
  seq: bigint;
  face_microcredits: bigint;
}

export interface HoldTable {
  bucket: number;
  account_id: bigint;
  hold_id: bigint;
  service_id: number;
  key_number: number | null;
  placed_at: Timestamp;
  deadline: Timestamp;
  take_lot_ids: bigint[];
  take_microcredits: bigint[];
  closed_by: bigint | null;
}

export interface ReversalTable {
  bucket: number;
  account_id: bigint;
  spend_id: bigint;
  seq: bigint;
  amount_microcredits: bigint;
}

export interface EntryTable {
  bucket: number;
  account_id: bigint;
  seq: bigint;
  kind: EntryKind;
  /** Null where it is `booked_at`. */
  effective_at: Timestamp | null;
  booked_at: Timestamp;
  recorded_at: Timestamp;
  amount_microcredits: bigint;
  available_after_microcredits: bigint;
  /** Null for 0, as in `debt_after_microcredits`. */
  held_after_microcredits: bigint | null;
  debt_after_microcredits: bigint | null;
  service_id: number | null;
  key_number: number | null;
  key_digest: string | null;
  payload_digest: string | null;
  hash: Uint8Array;
  details: string | null;
}

export interface PostingTable {
  bucket: number;
  account_id: bigint;
  seq: bigint;
  line: number;
  from_code: number;
  to_code: number;
  amount: bigint;
  lot_id: bigint;
  lot_available_after_microcredits: bigint | null;
  lot_held_after_microcredits: bigint | null;
  lot_unreleased_after_microcredits: bigint | null;
}

export interface LedgerAccountTable {
  code: number;
  name: string;
}

export interface ReceiptTable {
  bucket: number;
  receipt_id: string;
  first_noticed_at: Timestamp;
}

export interface ReceiptInclusionTable {
  bucket: number;
  receipt_id: string;
  version: number;
  outcome: 'included' | 'absent';
  block_number: bigint | null;
  block_hash: string | null;
  block_at: OptionalTimestamp;
  transaction_hash: string | null;
  transaction_index: number | null;
  trace_index: number | null;
  frame_type: string | null;
  transaction_type: string | null;
  from_address: string | null;
  amount_wei: bigint | null;
  input: string | null;
  noticed_at: Timestamp;
}

export interface PriceRecordTable {
  bucket: number;
  receipt_id: string;
  version: number;
  source: 'chainlink' | 'operator';
  feed: string | null;
  round_id: bigint | null;
  answer: bigint;
  round_started_at: OptionalTimestamp;
  round_updated_at: OptionalTimestamp;
  operator: string | null;
  reason: string | null;
  rule_version: number;
  quote_answer: bigint | null;
  quoted_wei: bigint;
  no_quote: Generated<boolean>;
  amount_microusd: bigint;
  decided_at: Timestamp;
}

export interface AssignmentTable {
  bucket: number;
  receipt_id: string;
  version: number;
  account_id: bigint;
  order_id: string | null;
  matched_by: 'reference' | 'linked_wallet' | 'unique_amount' | 'claim' | 'operator';
  reason: string | null;
  decided_at: Timestamp;
  number: Generated<number>;
  operator: string | null;
  quote_answer: bigint | null;
  quoted_wei: bigint | null;
  amount_microusd: bigint | null;
}

export interface SuspenseReasonTable {
  bucket: number;
  receipt_id: string;
  version: number;
  assignment_number: number;
  reason: SuspenseReason;
  decided_at: Timestamp;
}

export interface OutboxTable {
  bucket: number;
  receipt_id: string;
  version: number;
  action: 'purchase' | 'clawback' | 'restoration';
  account_id: bigint;
  amount_microusd: bigint;
  paid_at: OptionalTimestamp;
  details: string;
  decided_at: Timestamp;
  purchase_version: number | null;
}

export interface StripeAccountTable {
  account_id: string;
  livemode: boolean;
  noted_at: Timestamp;
}

export interface OrderCheckoutTable {
  bucket: number;
  order_id: string;
  attempt: number;
  session_id: string;
  url: string;
  expires_at: Timestamp;
  created_at: Timestamp;
}

export interface StripeEventTable {
  bucket: number;
  event_id: string;
  type: string;
  payload: string;
  received_at: Timestamp;
}

export interface StripeHintTable {
  bucket: number;
  payment_intent_id: string;
  source: string;
  heard_at: Timestamp;
}

export interface CardPaymentTable {
  bucket: number;
  receipt_id: string;
  version: number;
  payment_intent_id: string;
  charge_id: string | null;
  session_id: string;
  order_id: string;
  account_id: bigint | null;
  suspense_reason: 'currency' | 'amount' | null;
  status: 'processing' | 'paid' | 'failed';
  paid_at: OptionalTimestamp;
  moved_at: OptionalTimestamp;
  paid_microusd: bigint;
  fee_microusd: bigint;
  refunded_microusd: bigint;
  withdrawn_microusd: bigint;
  reinstated_microusd: bigint;
  receipt_url: string | null;
  decided_at: Timestamp;
}

export interface StripeProgressTable {
  list: string;
  through: Timestamp;
}

export interface HeadSightingTable {
  chain_id: number;
  seen_at: Timestamp;
  block_number: bigint;
  block_at: Timestamp;
  behind: boolean;
}

export interface ChainProgressTable {
  chain_id: number;
  settled_block: Generated<bigint>;
  head_block: bigint | null;
  head_block_at: OptionalTimestamp;
  safe_block: Generated<bigint>;
  finalized_block: Generated<bigint>;
  observed_at: OptionalTimestamp;
  updated_at: Timestamp;
}

export interface SweepProgressTable {
  bucket: number;
  swept_through: Timestamp;
}

export interface OrderTable {
  bucket: number;
  order_id: string;
  account_id: bigint;
  method: 'eth' | 'card';
  amount_microusd: bigint;
  secret_hash: Uint8Array;
  reference: string;
  quote_round_id: bigint | null;
  quote_answer: bigint | null;
  quote_updated_at: OptionalTimestamp;
  quoted_wei: bigint | null;
  guaranteed_wei: bigint | null;
  deadline: Timestamp;
  created_at: Timestamp;
  claimed_at: OptionalTimestamp;
  claimed_key_hash: Uint8Array | null;
  acknowledged_at: OptionalTimestamp;
  /** Null until a recovery of the account closes it; left out when an order is made. */
  claim_closed_at: ColumnType<Instant | null, undefined, string>;
  is_top_up: boolean;
  amount_reserved_until: OptionalTimestamp;
}

export interface UniqueAmountTable {
  bucket: number;
  amount_wei: bigint;
  turn: number;
  order_id: string;
  reserved_until: Timestamp;
}

export interface UniqueAmountRequestTable {
  order_id: string;
  buyer: string;
  requested_at: Timestamp;
}

export interface OrderReferenceTable {
  bucket: number;
  reference: string;
  order_id: string;
}

export interface SecureKeyTable {
  bucket: number;
  key_hash: Uint8Array;
  account_id: bigint;
  key_number: number;
  scope: 'manage' | 'spend';
  last_four: string;
  created_at: Timestamp;
  first_used_at: OptionalTimestamp;
  revoked_at: OptionalTimestamp;
  label: string | null;
  rotation: number;
  grace_until: OptionalTimestamp;
}

export interface BrowserSessionTable {
  bucket: number;
  session_hash: Uint8Array;
  account_id: bigint;
  key_number: number;
  /** Of the key's secret that it was opened with. */
  key_hash: Uint8Array;
  created_at: Timestamp;
  expires_at: Timestamp;
  ended_at: OptionalTimestamp;
}

export interface AccountKeyTable {
  bucket: number;
  account_id: bigint;
  key_number: number;
  /** Of the secret that the number was made with; null for a grant. */
  key_hash: Uint8Array | null;
}

export interface GrantTable {
  bucket: number;
  account_id: bigint;
  key_number: number;
  service_id: number;
  label: string | null;
  created_at: Timestamp;
  expires_at: OptionalTimestamp;
  revoked_at: OptionalTimestamp;
}

export interface SpendingLimitTable {
  bucket: number;
  account_id: bigint;
  key_number: number;
  limit_microcredits: bigint;
  period: LimitPeriod;
  period_start: Timestamp;
  used_microcredits: bigint;
}

export interface ServiceTable {
  service_id: number;
  name: string;
  created_at: GeneratedTimestamp;
}

export interface AccessTokenTable {
  bucket: number;
  token_hash: Uint8Array;
  role: 'service' | 'operator';
  service_id: number | null;
  name: string;
  last_four: string;
  created_at: GeneratedTimestamp;
  revoked_at: OptionalTimestamp;
}

export interface ChallengeSecretTable {
  secret: Uint8Array;
}

export interface WalletProofTable {
  bucket: number;
  nonce_hash: Uint8Array;
  action: 'link' | 'unlink' | 'claim' | 'recover';
  address: string;
  account_id: bigint;
  message: string;
  signature: string;
  accepted_at: Timestamp;
}

export interface WalletLinkTable {
  bucket: number;
  address: string;
  account_id: bigint;
  number: number;
  event: LinkEvent;
  at: Timestamp;
}

export interface AlarmTable {
  kind: string;
  subject: string;
  message: string;
  raised_at: Timestamp;
}

export interface SentTransactionTable {
  bucket: number;
  transaction_hash: string;
  block_number: bigint;
  block_hash: string;
  block_at: Timestamp;
  outcome: 'success' | 'reverted';
  gas_used: bigint;
  gas_price_wei: bigint;
  l1_fee_wei: bigint;
  operator_fee_wei: bigint;
  fee_wei: bigint;
  noticed_at: Timestamp;
}

export interface WithdrawalTable {
  bucket: number;
  transaction_hash: string;
  trace_index: number;
  block_number: bigint;
  block_hash: string;
  block_at: Timestamp;
  frame_type: string;
  to_address: string | null;
  amount_wei: bigint;
  noticed_at: Timestamp;
}

export interface BalanceCheckTable {
  chain_id: number;
  block_number: bigint;
  version: number;
  outcome: 'observed' | 'inferred' | 'abandoned';
  block_hash: string;
  block_at: Timestamp;
  balance_wei: bigint;
  nonce: bigint;
  explained_wei: bigint;
  unexplained_wei: bigint;
  decided_at: Timestamp;
}

export interface BalanceDifferenceTable {
  bucket: number;
  difference_id: string;
  version: number;
  from_block: bigint;
  through_block: bigint;
  through_at: Timestamp;
  amount_wei: bigint;
  decided_at: Timestamp;
}

export interface BalanceProgressTable {
  chain_id: number;
  compared_block: bigint;
  sent_block: bigint;
  sent_nonce: bigint;
  updated_at: Timestamp;
}

export interface RateCardTable {
  version: number;
  effective_at: Timestamp;
  /** Microcredits in strings, by model and unit; written as JSON text. */
  prices: ColumnType<Record<string, Partial<Record<UsageUnit, string>>>, string, never>;
  operator: string;
  reason: string;
  recorded_at: Timestamp;
}

export interface SealFenceTable {
  through: Timestamp;
}

export interface SealTable {
  number: number;
  sealed_through: Timestamp;
  document: string;
  hash: Uint8Array;
  signature: Uint8Array;
  totals: string;
  recorded_at: GeneratedTimestamp;
}

export interface SealedHeadTable {
  bucket: number;
  account_id: bigint;
  number: number;
  seq: bigint;
  leaf: Uint8Array;
}

export interface WebhookEndpointTable {
  bucket: number;
  account_id: bigint;
  endpoint_id: string;
  url: string;
  events: ('low_balance' | 'expiry_soon' | 'debt_opened' | 'lot_added')[];
  low_balance_microcredits: bigint | null;
  expiry_hours: number;
  created_at: Timestamp;
  is_enabled: Generated<boolean>;
  failing_since: OptionalTimestamp;
  paused_at: OptionalTimestamp;
  followed_seq: bigint;
  look_at: OptionalTimestamp;
}

export interface WebhookSecretTable {
  bucket: number;
  account_id: bigint;
  endpoint_id: string;
  number: number;
  secret: Uint8Array;
  created_at: Timestamp;
  valid_until: OptionalTimestamp;
}

export interface WebhookDeliveryTable {
  bucket: number;
  account_id: bigint;
  endpoint_id: string;
  delivery_id: string;
  type: 'low_balance' | 'expiry_soon' | 'debt_opened' | 'lot_added' | 'test';
  body: string;
  created_at: Timestamp;
  status: 'pending' | 'delivered' | 'failed';
  attempts: Generated<number>;
  retries_left: number;
  by_hand: Generated<boolean>;
  next_attempt_at: OptionalTimestamp;
  claimed_until: OptionalTimestamp;
  last_attempt_at: OptionalTimestamp;
  last_status: number | null;
  last_problem: string | null;
  delivered_at: OptionalTimestamp;
}

export interface WebhookAttemptCountTable {
  bucket: number;
  outcome: 'delivered' | 'retried' | 'given_up';
  attempts: bigint;
}

export interface Tables {
  installation: InstallationTable;
  books: BookTable;
  lots: LotTable;
  entries: EntryTable;
  postings: PostingTable;
  lot_faces: LotFaceTable;
  holds: HoldTable;
  reversals: ReversalTable;
  ledger_accounts: LedgerAccountTable;
  receipts: ReceiptTable;
  receipt_inclusions: ReceiptInclusionTable;
  price_records: PriceRecordTable;
  assignments: AssignmentTable;
  suspense_reasons: SuspenseReasonTable;
  outbox: OutboxTable;
  head_sightings: HeadSightingTable;
  chain_progress: ChainProgressTable;
  sweep_progress: SweepProgressTable;
  orders: OrderTable;
  order_references: OrderReferenceTable;
  unique_amounts: UniqueAmountTable;
  unique_amount_requests: UniqueAmountRequestTable;
  secure_keys: SecureKeyTable;
  browser_sessions: BrowserSessionTable;
  account_keys: AccountKeyTable;
  grants: GrantTable;
  spending_limits: SpendingLimitTable;
  services: ServiceTable;
  access_tokens: AccessTokenTable;
  challenge_secret: ChallengeSecretTable;
  wallet_proofs: WalletProofTable;
  wallet_links: WalletLinkTable;
  alarms: AlarmTable;
  sent_transactions: SentTransactionTable;
  withdrawals: WithdrawalTable;
  balance_checks: BalanceCheckTable;
  balance_differences: BalanceDifferenceTable;
  balance_progress: BalanceProgressTable;
  stripe_account: StripeAccountTable;
  order_checkouts: OrderCheckoutTable;
  stripe_events: StripeEventTable;
  stripe_hints: StripeHintTable;
  card_payments: CardPaymentTable;
  stripe_progress: StripeProgressTable;
  rate_cards: RateCardTable;
  seal_fence: SealFenceTable;
  seals: SealTable;
  sealed_heads: SealedHeadTable;
  webhook_endpoints: WebhookEndpointTable;
  webhook_secrets: WebhookSecretTable;
  webhook_deliveries: WebhookDeliveryTable;
  webhook_attempt_counts: WebhookAttemptCountTable;
}
